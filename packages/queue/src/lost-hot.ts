import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { NO_AMOUNT, type Amount } from './counters.js';
import { lostHots } from './hot-folder.js';
import type { Range } from './range-set.js';

const COUNT_LIMIT_MS = 120_000;

/** More ranges than fit a command line are not handed over: the count is then too high. */
const RANGES_MAX = 1000;

export interface LostHot {
  readonly epoch: number;
  /** undefined: it could not be read. */
  readonly amount: Amount | undefined;
}

/**
 * Counts what is lost with each hot that was set aside, and removes it. After the power was lost its pages may be
 * anything, and LMDB may crash over them: so another process looks. `kept` gives what of an epoch is in the store
 * or acked. A hot that cannot be read stays, until another takes its place.
 */
export async function countLostHots(directory: string, kept: (epoch: number) => Range[]): Promise<LostHot[]> {
  const counted: LostHot[] = [];
  for (const { folder, epoch } of lostHots(directory)) {
    const amount = await countLost(folder, epoch, kept(epoch).slice(0, RANGES_MAX));
    if (amount !== undefined) rmSync(folder, { recursive: true, force: true });
    counted.push({ epoch, amount });
  }
  return counted;
}

async function countLost(folder: string, epoch: number, kept: readonly Range[]): Promise<Amount | undefined> {
  const script = fileURLToPath(new URL('./count-lost.js', import.meta.url));
  try {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [script, folder, String(epoch), JSON.stringify(kept)],
      { timeout: COUNT_LIMIT_MS, killSignal: 'SIGKILL' },
    );
    const value = JSON.parse(stdout) as Partial<Amount>;
    return { ...NO_AMOUNT, batches: value.batches ?? 0, bytes: value.bytes ?? 0 };
  } catch {
    return undefined;
  }
}
