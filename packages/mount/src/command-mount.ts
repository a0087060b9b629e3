import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { createLog, ExitStatus, loadMountSettings } from '@k2hft/config';
import { CommandError } from './failure.js';
import { Supervisor } from './supervisor.js';
import { unsupportedSettings } from './unsupported.js';

export interface MountCommandOptions {
  config?: string;
  json?: string;
}

/** `k2hft mount`: becomes the supervisor. Returns when the mount is made; the process ends with it. */
export async function runMount(point: string | undefined, options: MountCommandOptions): Promise<void> {
  const settings = loadMountSettings({
    env: process.env,
    ...(options.config === undefined ? {} : { file: options.config }),
    ...(options.json === undefined ? {} : { json: options.json }),
    ...(point === undefined ? {} : { point: resolve(point) }),
  });
  const mountPoint = settings.mount.point;
  if (mountPoint === undefined) {
    throw new CommandError(
      ExitStatus.USAGE,
      'no mount point: give it as k2hft mount POINT, or as mount.point in the configuration',
    );
  }
  const unsupported = unsupportedSettings(settings);
  if (unsupported.length > 0) {
    throw new CommandError(
      ExitStatus.CONFIGURATION,
      `not supported by this version yet: ${unsupported.join(', ')}`,
    );
  }
  requirePrivileges();
  const log = createLog('k2hft', settings.log, (line) => process.stderr.write(line));
  const supervisor = new Supervisor({
    settings,
    mountPoint,
    log,
    // The contract promises this line whatever the log level is.
    ready: () => process.stderr.write(`k2hft: mounted ${mountPoint}\n`),
    ended: (status) => process.exit(status),
  });
  const started = supervisor.start();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      // What is half mounted cannot be unmounted: first the start is finished.
      void started.then(
        () => supervisor.stop(ExitStatus.DONE),
        // Whoever waits for the start reports it.
        () => undefined,
      );
    });
  }
  process.on('SIGHUP', () => {
    log(
      'warn',
      'SIGHUP: reading the configuration again is not supported by this version yet; nothing changes',
    );
  });
  await started;
}

function requirePrivileges(): void {
  if (process.getuid?.() !== 0) {
    throw new CommandError(ExitStatus.NOT_PERMITTED, 'mounting needs root: run k2hft mount as root (sudo)');
  }
  if (!existsSync('/dev/fuse')) {
    throw new CommandError(
      ExitStatus.UNAVAILABLE,
      'there is no /dev/fuse: load the kernel module (modprobe fuse), or give the container the device (--device /dev/fuse)',
    );
  }
}
