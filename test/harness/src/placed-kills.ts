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

/**
 * From the step before which one life is ended to that of the next. `usually`, since every step takes its time; which
 * of them it is changes from run to run, as lives do. K2HFT_TEST_EVERY_STEP=1 leaves none out.
 */
export function everyStep(usually: number): number {
  return process.env['K2HFT_TEST_EVERY_STEP'] === '1' ? 1 : usually;
}
