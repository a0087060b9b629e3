import { existsSync } from 'node:fs';
import { appendTo, ExitStatus, createLog, type Log, type LogWriter } from '@k2hft/config';
import { openLogForWriting } from './daemon-log.js';
import { startDaemon, takeDaemonPlan } from './daemon.js';
import type { DaemonMessage } from './daemon-messages.js';
import { CommandError, explain, statusOf } from './failure.js';
import { planAgain, planMount, type MountPlan, type MountRequest } from './mount-plan.js';
import { checkPidFile, removePidFile, writePidFile } from './pid-file.js';
import { forgetReloadOutcome } from './reload-outcome.js';
import { Reloader } from './reloader.js';
import { Supervisor } from './supervisor.js';

/** Standard error. */
const STDERR = 2;

/**
 * `k2hft mount`: becomes the supervisor, or starts it as a daemon. Returns when the mount is served, or being made.
 * @param saysReady whether the command of a daemon says that it is mounted
 */
export async function runMount(
  request: MountRequest,
  inBackground: boolean,
  saysReady = true,
): Promise<void> {
  const daemonPlan = takeDaemonPlan();
  if (daemonPlan !== undefined) {
    await serveAsDaemon(daemonPlan);
    return;
  }
  const plan = planMount(request, process.env);
  requirePrivileges(plan);
  if (inBackground) {
    await startDaemon(plan);
    if (saysReady) announce(plan);
  } else
    await serve(plan, logTarget(plan), () => {
      announce(plan);
    });
}

/** The contract promises this line whatever the log level is. */
function announce({ mountPoint }: MountPlan): void {
  appendTo(STDERR)(`k2hft: mounted ${mountPoint}\n`);
}

interface LogTarget {
  write: LogWriter;
  /** What children get as their standard error. */
  fd: number;
}

function logTarget({ logFile }: MountPlan): LogTarget {
  const fd = logFile === undefined ? STDERR : openLogForWriting(logFile);
  return { fd, write: appendTo(fd) };
}

/** Standard error is the log already. Until the mount is served, the command that waits for it is told as well. */
async function serveAsDaemon(plan: MountPlan): Promise<void> {
  const tell = (message: DaemonMessage) =>
    new Promise<void>((resolve) => {
      if (!process.connected || process.send === undefined) resolve();
      else
        process.send(message, undefined, undefined, () => {
          resolve();
        });
    });
  const append = appendTo(STDERR);
  const write: LogWriter = (line) => {
    append(line);
    void tell({ type: 'log', line });
  };
  try {
    await serve(plan, { fd: STDERR, write }, () => {
      void tell({ type: 'ready' }).then(() => {
        if (process.connected) process.disconnect();
      });
    });
  } catch (error) {
    append(explain(error));
    await tell({
      type: 'failed',
      message: error instanceof Error ? error.message : String(error),
      status: statusOf(error),
    });
    process.exit(statusOf(error));
  }
}

async function serve(plan: MountPlan, target: LogTarget, ready: () => void): Promise<void> {
  const { settings, mountPoint, pidFile, notes } = plan;
  let currentLog = createLog('k2hft', settings.log, target.write);
  const log: Log = (level, message) => {
    currentLog(level, message);
  };
  for (const { level, message } of notes) log(level, message);
  let isReady = false;
  let isReloadWanted = false;
  const supervisor = new Supervisor({
    settings,
    mountPoint,
    source: plan.source,
    flags: plan.flags,
    mustAllowOther: plan.mustAllowOther,
    log,
    logFd: target.fd,
    ready: () => {
      isReady = true;
      if (isReloadWanted) reloader.request();
      if (pidFile !== undefined) writePidFile(pidFile, log);
      ready();
    },
    ended: (status) => {
      if (pidFile !== undefined) removePidFile(pidFile);
      forgetReloadOutcome(mountPoint);
      process.exit(status);
    },
  });
  const reloader = new Reloader({
    plan,
    read: () => planAgain(plan, process.env),
    change: (changed) => {
      currentLog = createLog('k2hft', changed.log, target.write);
      return supervisor.change(changed);
    },
    log,
  });
  if (pidFile !== undefined) checkPidFile(pidFile);
  const started = supervisor.start();
  const stop = () => {
    // What is half mounted cannot be unmounted: first the start is finished. Whoever waits for the start reports its failure.
    void started.then(
      () => supervisor.stop(ExitStatus.DONE),
      () => undefined,
    );
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  // The command that started a daemon has ended before it had an answer: nobody knows of this mount.
  process.once('disconnect', () => {
    if (!isReady) stop();
  });
  process.on('SIGHUP', () => {
    if (isReady) reloader.request();
    else isReloadWanted = true;
  });
  await started;
}

function requirePrivileges({ settings }: MountPlan): void {
  if (settings.mount.driver === 'kernel' && process.getuid?.() !== 0) {
    throw new CommandError(
      ExitStatus.NOT_PERMITTED,
      'mounting needs root: run k2hft mount as root (sudo), or choose mount.driver: fuse-native',
    );
  }
  if (!existsSync('/dev/fuse')) {
    throw new CommandError(
      ExitStatus.UNAVAILABLE,
      'there is no /dev/fuse: load the kernel module (modprobe fuse), or give the container the device (--device /dev/fuse)',
    );
  }
}
