import { isDeepStrictEqual } from 'node:util';
import type { MountSettings } from '@k2hft/config';

type Part = readonly [key: string, value: (settings: MountSettings) => unknown];

/**
 * What hangs on the mount, which the kernel has, on names that programs have seen, on locks and on sockets that are
 * open. The host's name is part of the names of files on the servers: lines of one file would go into two.
 */
const FIXED: readonly Part[] = [
  ['mount.point', ({ mount }) => mount.point],
  ['mount.mode', ({ mount }) => mount.mode],
  ['mount.allow_other', ({ mount }) => mount.allowOther],
  ['mount.umask', ({ mount }) => mount.umask],
  ['mount.uid', ({ mount }) => mount.uid],
  ['mount.gid', ({ mount }) => mount.gid],
  ['mount.present', ({ mount }) => mount.present],
  ['mount.driver', ({ mount }) => mount.driver],
  ['host', ({ host }) => host],
  ['queue.dir', ({ queue }) => queue.dir],
  ['admin.socket', ({ admin }) => admin.socket],
  ['admin.listen', ({ admin }) => admin.listen],
  ['admin.unhealthy_after', ({ admin }) => admin.unhealthyAfterMs],
];

/** What only a new worker begins with. */
const OF_WORKER: readonly Part[] = [
  ['rules', ({ rules }) => rules],
  ['queue', ({ queue }) => queue],
  ['mount.df', ({ mount }) => mount.df],
  ['log', ({ log }) => log],
  ['servers.deliver (from or to broadcast)', ({ servers }) => servers.deliver === 'broadcast'],
];

/** What cannot change while it is mounted, one sentence for each key; empty when everything can. */
export function refusedChanges(before: MountSettings, after: MountSettings): string[] {
  const refused = differing(FIXED, before, after).map(
    (key) => `${key} cannot change while it is mounted: umount and mount again, or take the change back`,
  );
  // Its mount would end with the worker.
  const ending = before.mount.driver === 'fuse-native' ? differing(OF_WORKER, before, after) : [];
  return [
    ...refused,
    ...ending.map(
      (key) =>
        `${key} cannot change while mount.driver is fuse-native: umount and mount again, or take the change back`,
    ),
  ];
}

/** Whether the worker has to be replaced to obey. */
export function concernsWorker(before: MountSettings, after: MountSettings): boolean {
  return differing(OF_WORKER, before, after).length > 0;
}

function differing(parts: readonly Part[], before: MountSettings, after: MountSettings): string[] {
  return parts.filter(([, value]) => !isDeepStrictEqual(value(before), value(after))).map(([key]) => key);
}
