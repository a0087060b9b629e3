import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const PRELOAD = new URL('./kill-at-step.js', import.meta.url).href;

/**
 * Kills of programs right before a step of theirs that is chosen by its number. A program is known by the name of its
 * file; of several processes, the one that gets there first is killed.
 */
export class PlacedKills {
  /** @param folder made when it is missing; for nothing else */
  constructor(private readonly folder: string) {
    mkdirSync(folder, { recursive: true });
  }

  /** With it, a process and its children can be killed. */
  get environment(): NodeJS.ProcessEnv {
    return { K2HFT_TEST_KILLS: this.folder, NODE_OPTIONS: `--import=${PRELOAD}` };
  }

  /** From now on it is killed before its n-th step; `step` counts from 1. */
  arm(program: string, step: number): void {
    rmSync(this.file(`${program}.killed`), { force: true });
    writeFileSync(this.file(`${program}.new`), String(step));
    renameSync(this.file(`${program}.new`), this.file(program));
  }

  /** Nothing is killed any more. */
  disarm(program: string): void {
    rmSync(this.file(program), { force: true });
  }

  /** The step before which it was killed since it was armed. */
  killedBefore(program: string): string | undefined {
    const file = this.file(`${program}.killed`);
    return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
  }

  private file(name: string): string {
    return join(this.folder, name);
  }
}

/** More steps than a life has. */
const STEPS_MAX = 3000;

interface Lives {
  /**
   * From the step before which one life ends to that of the next. Which steps are left out changes from run to run, as lives
   * do; with K2HFT_TEST_EVERY_STEP=1 none are.
   */
  readonly stride: number;
  /** Fewer steps mean that something is not counted. */
  readonly stepsMin: number;
  /** Returns what it was killed before the step of that number; undefined when it was not. */
  readonly live: (step: number) => Promise<string | undefined>;
}

/**
 * One life after the other: the first one ends before its first step, the next before a later one, until one has
 * done all there is to do before its step comes. As each begins with what the one before has left, what is done at a
 * beginning is hit as well. Returns what they were killed before.
 */
export async function liveAndDie({ stride, stepsMin, live }: Lives): Promise<string[]> {
  const apart = process.env['K2HFT_TEST_EVERY_STEP'] === '1' ? 1 : stride;
  const killedBefore: string[] = [];
  for (let step = 1; step < STEPS_MAX; step += apart) {
    const what = await live(step);
    if (what === undefined) {
      const enough = killedBefore.length * apart >= stepsMin;
      if (!enough) throw new Error(`that were few steps: ${killedBefore.join(', ')}`);
      return killedBefore;
    }
    killedBefore.push(what);
  }
  throw new Error(`the steps come to no end: ${killedBefore.join(', ')}`);
}
