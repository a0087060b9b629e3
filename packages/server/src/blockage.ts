/** What keeps the server from making batches safe. */
export type BlockageCause = 'output' | 'state' | 'sink';

/**
 * Whether there is something that only time or an operator can change, such as a full disk. It is told once when it
 * begins and once when it is over, however often the cause is met in between.
 */
export class Blockage {
  readonly #causes = new Map<BlockageCause, string>();
  readonly #changed: (reason: string | undefined) => void;

  /** `changed` gets the reason when a blockage begins, and undefined when the last cause has gone. */
  constructor(changed: (reason: string | undefined) => void) {
    this.#changed = changed;
  }

  /** The first cause's reason; undefined: all is well. */
  get reason(): string | undefined {
    const [first] = this.#causes.values();
    return first;
  }

  get causes(): ReadonlySet<BlockageCause> {
    return new Set(this.#causes.keys());
  }

  has(cause: BlockageCause): boolean {
    return this.#causes.has(cause);
  }

  raise(cause: BlockageCause, reason: string): void {
    const isFirst = this.#causes.size === 0;
    if (!this.#causes.has(cause)) this.#causes.set(cause, reason);
    if (isFirst) this.#changed(reason);
  }

  clear(cause: BlockageCause): void {
    const had = this.#causes.delete(cause);
    if (had && this.#causes.size === 0) this.#changed(undefined);
  }
}
