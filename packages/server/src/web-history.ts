import type { Series } from '../web/overview.js';

/** What one source, or all of them, did at one moment. */
export interface Point {
  readonly records: number;
  readonly bytes: number;
  /** NaN: not known. */
  readonly lagSeconds: number;
}

const NO_POINT: Point = { records: 0, bytes: 0, lagSeconds: NaN };

/** How much an older point counts against the next one when it is said who is busy: half after some 35 points. */
const AGEING = 0.98;

/** A ring for each measure, all turned together. Single precision is more than a chart shows. */
class Rings {
  /** How busy it is, in bytes, old ones counting less. */
  weight = 0;
  readonly #records: Float32Array;
  readonly #bytes: Float32Array;
  readonly #lagSeconds: Float32Array;

  constructor(points: number) {
    this.#records = new Float32Array(points);
    this.#bytes = new Float32Array(points);
    this.#lagSeconds = new Float32Array(points).fill(NaN);
  }

  put(slot: number, { records, bytes, lagSeconds }: Point): void {
    this.#records[slot] = records;
    this.#bytes[slot] = bytes;
    this.#lagSeconds[slot] = lagSeconds;
    this.weight = this.weight * AGEING + weightOf({ records, bytes, lagSeconds });
  }

  series(slots: readonly number[]): Series {
    const read = (ring: Float32Array): number[] => slots.map((slot) => rounded(ring[slot] ?? 0));
    return {
      records: read(this.#records),
      bytes: read(this.#bytes),
      lagSeconds: read(this.#lagSeconds).map((seconds) => (Number.isNaN(seconds) ? null : seconds)),
    };
  }
}

/**
 * The last minutes of all sources together, and of the busiest ones. Its size is bounded: a source that becomes busier than
 * the least busy of those that are kept takes its place, and begins at nothing.
 */
export class RateHistory {
  readonly #points: number;
  readonly #keptMax: number;
  readonly #timesSeconds: Float64Array;
  readonly #total: Rings;
  readonly #kept = new Map<string, Rings>();
  /** Points that were ever added. */
  #count = 0;

  /**
   * @param points how many moments are kept
   * @param keptMax how many sources
   */
  constructor(points: number, keptMax: number) {
    this.#points = points;
    this.#keptMax = keptMax;
    this.#timesSeconds = new Float64Array(points);
    this.#total = new Rings(points);
  }

  /** The next moment: what all did together, and each source that did something. */
  add(timeSeconds: number, total: Point, active: ReadonlyMap<string, Point>): void {
    const slot = this.#count % this.#points;
    this.#count++;
    this.#timesSeconds[slot] = timeSeconds;
    this.#total.put(slot, total);
    for (const [key, rings] of this.#kept) rings.put(slot, active.get(key) ?? NO_POINT);
    this.#admit(slot, active);
  }

  /** The oldest first. */
  timesSeconds(): number[] {
    return this.#slots().map((slot) => this.#timesSeconds[slot] ?? 0);
  }

  total(): Series {
    return this.#total.series(this.#slots());
  }

  /** Undefined: it is not among those that are kept. */
  of(key: string): Series | undefined {
    return this.#kept.get(key)?.series(this.#slots());
  }

  /** The keys of the busiest, the busiest first; none of those that did nothing. */
  busiest(countMax: number): string[] {
    return [...this.#kept]
      .filter(([, { weight }]) => weight > 0)
      .sort(([, a], [, b]) => b.weight - a.weight)
      .slice(0, countMax)
      .map(([key]) => key);
  }

  #slots(): number[] {
    const kept = Math.min(this.#count, this.#points);
    return Array.from({ length: kept }, (_, index) => (this.#count - kept + index) % this.#points);
  }

  #admit(slot: number, active: ReadonlyMap<string, Point>): void {
    const candidates = [...active].filter(([key]) => !this.#kept.has(key));
    if (candidates.length === 0) return;
    candidates.sort(([, a], [, b]) => weightOf(b) - weightOf(a));
    const leastBusy = [...this.#kept].sort(([, a], [, b]) => a.weight - b.weight);
    for (const [key, point] of candidates) {
      if (this.#kept.size >= this.#keptMax) {
        const victim = leastBusy.shift();
        if (victim === undefined || victim[1].weight >= weightOf(point)) return;
        this.#kept.delete(victim[0]);
      }
      const rings = new Rings(this.#points);
      rings.put(slot, point);
      this.#kept.set(key, rings);
    }
  }
}

/** Lag alone makes nobody busy. */
function weightOf({ records, bytes }: Point): number {
  return bytes + records;
}

/** Three digits behind the point say all that a chart can show, and keep the answer short. */
function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
