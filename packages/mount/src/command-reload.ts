import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ExitStatus } from '@k2hft/config';
import { CommandError } from './failure.js';
import { isAlive, registeredMounts, signalProcess, type RegisteredMount } from './mount-registry.js';
import { nowNs, readReloadOutcome, type ReloadOutcome } from './reload-outcome.js';

const POLL_MS = 20;
/** Plugins that end get some seconds, and a worker that hangs is killed after ten. */
const WAIT_MS = 60_000;

/** `k2hft reload [POINT]`: has mounts read their configuration again, and says how that ended. */
export async function runReload(point: string | undefined): Promise<void> {
  const wanted = point === undefined ? undefined : resolve(point);
  const mounts = registeredMounts().filter(({ mountPoint }) => wanted === undefined || mountPoint === wanted);
  if (mounts.length === 0) {
    const where = wanted === undefined ? '' : ` on ${wanted}`;
    throw new CommandError(ExitStatus.UNAVAILABLE, `no mount of k2hft is running${where}`);
  }
  const outcomes = await Promise.all(mounts.map((mount) => reload(mount)));
  const refused = mounts.flatMap(({ mountPoint }, index) => {
    const outcome = outcomes[index];
    return outcome === undefined || outcome.done ? [] : [refusalText(mountPoint, outcome)];
  });
  for (const [index, { mountPoint }] of mounts.entries()) {
    if (outcomes[index]?.done !== true) continue;
    process.stdout.write(`${mountPoint}: the configuration is in force\n`);
    for (const message of outcomes[index].messages) process.stdout.write(`${mountPoint}: ${message}\n`);
  }
  if (refused.length > 0) throw new CommandError(ExitStatus.CONFIGURATION, refused.join('\n'));
}

async function reload({ mountPoint, supervisorPid }: RegisteredMount): Promise<ReloadOutcome> {
  const sinceNs = nowNs();
  signalProcess(supervisorPid, 'SIGHUP');
  const deadlineMs = performance.now() + WAIT_MS;
  for (;;) {
    const outcome = readReloadOutcome(mountPoint, sinceNs);
    if (outcome !== undefined) return outcome;
    if (!isAlive(supervisorPid)) {
      throw new CommandError(ExitStatus.UNAVAILABLE, `${mountPoint} is no longer mounted: see its log`);
    }
    if (performance.now() > deadlineMs) {
      throw new CommandError(
        ExitStatus.UNAVAILABLE,
        `process ${supervisorPid} does not say whether it has read the configuration of ${mountPoint} again: see its log`,
      );
    }
    await sleep(POLL_MS);
  }
}

function refusalText(mountPoint: string, { messages }: ReloadOutcome): string {
  return [`${mountPoint}: the old configuration stays`, ...messages].join('\n  ');
}
