/** Counters that only rise, of a source or a file. */
export interface Counted {
  readonly records: number;
  readonly bytes: number;
}

/** Per second. */
export interface Rates {
  readonly records: number;
  readonly bytes: number;
}

const NO_RATES: Rates = { records: 0, bytes: 0 };

/** Counters of many things, read at intervals: what each has done per second between the last two readings. */
export class RateMeter {
  #seen = new Map<string, Counted>();
  #rates = new Map<string, Rates>();
  #readAtMs: number | undefined;

  /** Only those that did something. */
  get rates(): ReadonlyMap<string, Rates> {
    return this.#rates;
  }

  of(key: string): Rates {
    return this.#rates.get(key) ?? NO_RATES;
  }

  /**
   * Reads all counters. One that was not there before has begun at nothing, and so has one that is lower than it was. At
   * the first reading there is no interval yet.
   *
   * @param nowMs on the monotonic clock
   */
  read(nowMs: number, counters: Iterable<readonly [key: string, counted: Counted]>): void {
    const seconds = this.#readAtMs === undefined ? 0 : (nowMs - this.#readAtMs) / 1000;
    const seen = new Map<string, Counted>();
    const rates = new Map<string, Rates>();
    for (const [key, { records, bytes }] of counters) {
      const before = this.#seen.get(key);
      const since = before === undefined || before.bytes > bytes ? NO_RATES : before;
      seen.set(key, { records, bytes });
      if (seconds <= 0 || (records === since.records && bytes === since.bytes)) continue;
      rates.set(key, {
        records: Math.max(0, records - since.records) / seconds,
        bytes: (bytes - since.bytes) / seconds,
      });
    }
    this.#seen = seen;
    this.#rates = rates;
    this.#readAtMs = nowMs;
  }
}
