import { setTimeout as sleep } from 'node:timers/promises';
import { ExitStatus } from '@k2hft/config';
import { readReloadOutcome } from './reload-outcome.js';
import { stateHolder } from './state-lock.js';

const POLL_MS = 20;
const WAIT_MS = 30_000;

/** Has the server that runs on a state directory read its configuration again; returns the exit status, and says what came of it. */
export async function reloadServer(
  stateDirectory: string,
  say: (line: string) => void,
  complain: (line: string) => void,
): Promise<number> {
  const pid = await stateHolder(stateDirectory);
  if (pid === undefined) {
    complain(`no k2hft-svr is running on the state directory ${stateDirectory}`);
    return ExitStatus.UNAVAILABLE;
  }
  const sinceNs = process.hrtime.bigint();
  process.kill(pid, 'SIGHUP');
  const deadlineMs = performance.now() + WAIT_MS;
  while (performance.now() < deadlineMs) {
    const outcome = readReloadOutcome(stateDirectory, sinceNs);
    if (outcome?.reasons.length === 0) {
      say('the configuration is in force');
      return ExitStatus.DONE;
    }
    if (outcome !== undefined) {
      for (const reason of ['the old configuration stays', ...outcome.reasons]) complain(reason);
      return ExitStatus.CONFIGURATION;
    }
    await sleep(POLL_MS);
  }
  complain(`process ${pid} does not say whether it has read its configuration again: see its log`);
  return ExitStatus.UNAVAILABLE;
}
