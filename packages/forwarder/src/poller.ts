/** While the writer is at work the queue is looked at this often. Batches that come within it travel together. */
const BUSY_POLL_MS = 1;

/**
 * How long after a wake polling goes on. The writer wakes at most once per 2 ms, measured after its commit, so a
 * batch whose commit was not followed by a wake was committed less than 2 ms after one that was. Whoever polls
 * once more at any time later than that sees it, and this is later by a margin.
 */
const BUSY_AFTER_WAKE_MS = 5;

/** Against a wake that never came: from a writer killed between its commit and its wake. */
const SAFETY_POLL_MS = 1_000;

/**
 * Decides when the queue is looked at. `poll` does it and returns in how many milliseconds it wants to be called
 * again at the latest: 0 at once, Infinity not before something happens. Without work this costs one poll a second.
 */
export class Poller {
  readonly #poll: (nowMs: number) => number;
  #lastWakeMs = -Infinity;
  #timer: NodeJS.Timeout | undefined;
  #immediate: NodeJS.Immediate | undefined;
  /** The pending poll is at most BUSY_POLL_MS away. */
  #soon = false;
  #running = false;

  constructor(poll: (nowMs: number) => number) {
    this.#poll = poll;
  }

  start(): void {
    this.#running = true;
    this.poke();
  }

  stop(): void {
    this.#running = false;
    this.#cancel();
  }

  /** The writer has woken us. */
  noticed(): void {
    this.#lastWakeMs = performance.now();
    if (!this.#soon) this.poke();
  }

  /** Something changed that lets `poll` go on. Several calls before the next turn of the event loop are one. */
  poke(): void {
    if (!this.#running || this.#immediate !== undefined) return;
    this.#cancel();
    this.#soon = true;
    this.#immediate = setImmediate(() => {
      this.#immediate = undefined;
      this.#run();
    });
  }

  #run(): void {
    const nowMs = performance.now();
    const wantedMs = this.#poll(nowMs);
    // `poll` may have poked, or stopped us.
    if (!this.#running || this.#immediate !== undefined) return;
    if (wantedMs <= 0) {
      this.poke();
      return;
    }
    const busy = nowMs - this.#lastWakeMs < BUSY_AFTER_WAKE_MS;
    const delayMs = Math.min(wantedMs, busy ? BUSY_POLL_MS : SAFETY_POLL_MS);
    this.#soon = delayMs <= BUSY_POLL_MS;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#run();
    }, delayMs);
  }

  #cancel(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#immediate);
    this.#timer = undefined;
    this.#immediate = undefined;
    this.#soon = false;
  }
}
