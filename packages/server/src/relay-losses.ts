import type { Log } from '@k2hft/config';

export interface LostAmount {
  readonly batches: number;
  readonly records: number;
  readonly bytes: number;
}

/** What is lost is said at once, and then summed up at most this often. */
const SAY_EVERY_MS = 60_000;

/** Counts what a full relay gives up, as its settings tell it to, and says so without filling the log. */
export class RelayLosses {
  readonly #log: Log;
  readonly #setting: string;
  /** Since the start. */
  readonly total = { batches: 0, records: 0, bytes: 0 };
  #unsaid = { batches: 0, records: 0 };
  #saidAtMs = -Infinity;

  /** @param setting the value of `when_full` */
  constructor(log: Log, setting: string) {
    this.#log = log;
    this.#setting = setting;
  }

  add({ batches, records, bytes }: LostAmount): void {
    this.total.batches += batches;
    this.total.records += records;
    this.total.bytes += bytes;
    this.#unsaid.batches += batches;
    this.#unsaid.records += records;
    if (performance.now() - this.#saidAtMs >= SAY_EVERY_MS) this.say();
  }

  /** Says what was not said yet. */
  say(): void {
    const { batches, records } = this.#unsaid;
    if (batches === 0) return;
    this.#saidAtMs = performance.now();
    this.#unsaid = { batches: 0, records: 0 };
    this.#log(
      'warn',
      `the relay's queue is full: ${records} records in ${batches} batches were dropped (relay.queue.when_full: ${this.#setting})`,
    );
  }
}
