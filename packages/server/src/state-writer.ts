import { setTimeout as sleep } from 'node:timers/promises';
import type { Blockage } from './blockage.js';
import { ServerError } from './errors.js';
import { freeBytes, STATE_RESERVE_BYTES } from './room.js';
import { StateNoRoom, type State, type StateChanges } from './state.js';

/** How often a full disk is tried again. */
const RETRY_MS = 1000;

/** Commits to the state, and waits when its disk is full. */
export class StateWriter {
  readonly #state: State;
  readonly #directory: string;
  readonly #blockage: Blockage;
  readonly #took: (seconds: number) => void;
  #isStopped = false;

  /** @param took gets the time of each commit that succeeded */
  constructor(state: State, directory: string, blockage: Blockage, took: (seconds: number) => void) {
    this.#state = state;
    this.#directory = directory;
    this.#blockage = blockage;
    this.#took = took;
  }

  /**
   * Commits what `changes` gives at that moment, as soon as there is room for it. Rejects when it fails for another
   * reason, or `stop` is called before.
   */
  async commit(changes: () => StateChanges): Promise<void> {
    while (!this.#isStopped) {
      try {
        // Asked first, because a commit that fails leaves words of LMDB's own on stderr.
        if (freeBytes(this.#directory) < STATE_RESERVE_BYTES) throw new StateNoRoom('the disk is full');
        const startedMs = performance.now();
        await this.#state.commit(changes());
        this.#took((performance.now() - startedMs) / 1000);
        this.#blockage.clear('state');
        return;
      } catch (error) {
        if (!(error instanceof StateNoRoom)) throw error;
        this.#blockage.raise('state', `cannot write to ${this.#directory}: ${error.message}`);
      }
      await sleep(RETRY_MS);
    }
    throw new ServerError('commit_failed', 'the server ended before there was room for its state');
  }

  /** Nothing is committed any more, but for what is being committed now. */
  stop(): void {
    this.#isStopped = true;
  }
}
