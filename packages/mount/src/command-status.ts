import { ExitStatus } from '@k2hft/config';
import { CommandError } from './failure.js';
import { runningMounts } from './running-mount.js';
import { askStatus } from './status-socket.js';
import { formatStatus } from './format-status.js';
import type { MountStatus } from './mount-status-content.js';

/** `k2hft status [POINT] [--json]`: asks the forwarders of the running mounts. */
export async function runStatus(point: string | undefined, options: { json?: boolean }): Promise<void> {
  const mounts = runningMounts(point);
  const statuses: MountStatus[] = [];
  const failures: string[] = [];
  for (const { mountPoint, statusSocket, supervisorPid } of mounts) {
    try {
      statuses.push((await askStatus(statusSocket)) as MountStatus);
    } catch (error) {
      failures.push(`${mountPoint} (process ${supervisorPid}) does not tell its status: ${String(error)}`);
    }
  }
  if (statuses.length === 0 && failures.length > 0)
    throw new CommandError(ExitStatus.UNAVAILABLE, failures.join('; '));
  if (options.json === true) {
    const content = point === undefined ? statuses : statuses[0];
    process.stdout.write(`${JSON.stringify(content, undefined, 2)}\n`);
  } else {
    process.stdout.write(statuses.map(formatStatus).join('\n'));
  }
  // Those that answer are shown all the same.
  if (failures.length > 0) throw new CommandError(ExitStatus.UNAVAILABLE, failures.join('; '));
}
