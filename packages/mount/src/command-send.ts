import { resolve } from 'node:path';
import { ExitStatus, loadMountSettings, parseDuration } from '@k2hft/config';
import { findMount } from '@k2hft/fuse';
import { CommandError } from './failure.js';
import { FILE_SYSTEM_TYPE } from './mount-point.js';
import { sendUncovered } from './send-hidden.js';
import { canonical } from './send-names.js';
import { carryOutSend, type SendPlan } from './send-session.js';

export interface SendCommandOptions {
  config?: string;
  json?: string;
  point?: string;
  as?: string;
  finish?: boolean;
  timeout?: string;
}

/** `k2hft send`: returns when everything is delivered; throws CommandError. */
export async function runSend(files: string[], options: SendCommandOptions): Promise<void> {
  const plan = planSend(files, options);
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      stop.abort();
    });
  }
  process.exitCode = (await isHidden(plan))
    ? await sendUncovered(plan, stop.signal)
    : await carryOutSend(plan, stop.signal);
}

function planSend(files: string[], options: SendCommandOptions): SendPlan {
  const { config, json, point, as, finish = false, timeout } = options;
  const settings = loadMountSettings({
    env: process.env,
    ...(config === undefined ? {} : { file: config }),
    ...(json === undefined ? {} : { json }),
    ...(point === undefined ? {} : { point: resolve(point) }),
  });
  const mountPoint = settings.mount.point;
  if (mountPoint === undefined)
    throw usage('the mount point is missing: give it as --point DIR, or as mount.point in the configuration');
  if (settings.servers.urls.length === 0)
    throw new CommandError(ExitStatus.CONFIGURATION, 'servers.urls names no server to send to');
  if (as !== undefined) checkChosenPath(as, files);
  const timeoutMs = timeout === undefined ? undefined : parseDuration(timeout);
  if (timeout !== undefined && timeoutMs === undefined)
    throw usage(`--timeout ${timeout}: give a duration such as 60s or 10m`);
  return { settings, mountPoint, names: files.map((file) => resolve(file)), as, finish, timeoutMs };
}

function checkChosenPath(as: string, files: readonly string[]): void {
  if (files.length !== 1) throw usage('--as names the path of one file: give one file');
  const parts = as.split('/');
  if (parts.some((part) => part === '' || part === '.' || part === '..'))
    throw usage(`--as ${as}: give a path relative to the mount point, such as app/access.log`);
}

/** Whether a mount of ours lies over what is to be read. */
async function isHidden({ names, mountPoint }: SendPlan): Promise<boolean> {
  const mounted = await findMount(mountPoint);
  if (mounted?.type !== FILE_SYSTEM_TYPE) return false;
  const points = [mountPoint, Buffer.from(mounted.point, 'latin1').toString()];
  // A symbolic link may lead there: through the mount, what was sent already would be read again.
  const places = names.flatMap((name) => [name, canonical(name)]);
  return places.some((place) => points.some((point) => place === point || place.startsWith(`${point}/`)));
}

function usage(message: string): CommandError {
  return new CommandError(ExitStatus.USAGE, message);
}
