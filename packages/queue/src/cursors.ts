import assert from 'node:assert';
import { AckSet, type AckSetRecord } from './ack-set.js';
import { comparePositions, POSITION_ZERO, type Position } from './position.js';
import type { Range } from './range-set.js';

export interface CursorsRecord {
  readonly gone: AckSetRecord;
  readonly cursors: Readonly<Record<string, AckSetRecord>>;
}

/** A plugin that is new is not fed with what was written before it was wanted. */
const PLUGIN_PREFIX = 'plugin ';

/**
 * What each destination has acked, and what needs no delivery to anybody: `gone`, which is what all of them have
 * acked and what was given up. While there is a cursor, gone is exactly what their sets have in common.
 */
export class Cursors {
  readonly gone: AckSet;
  /** A cursor begins behind what is there: a successor must know of it. */
  readonly beginsBehind: boolean;
  private readonly sets = new Map<string, AckSet>();

  /**
   * `names` are the destinations from now on: the others are forgotten, and hold nothing any more. New ones begin
   * with what is still there; those of plugins with what comes behind `newest`.
   */
  constructor(record: CursorsRecord | undefined, names: readonly string[], newest = POSITION_ZERO) {
    this.gone = new AckSet(record?.gone);
    const known = record?.cursors ?? {};
    this.beginsBehind = names.some((name) => name.startsWith(PLUGIN_PREFIX) && !Object.hasOwn(known, name));
    for (const name of names) {
      const earlier = Object.hasOwn(known, name) ? known[name] : undefined;
      const set = new AckSet(earlier ?? this.gone.record());
      if (earlier === undefined && name.startsWith(PLUGIN_PREFIX)) {
        set.addBelow({ epoch: newest.epoch, sequence: newest.sequence + 1 });
      }
      this.sets.set(name, set);
    }
    this.gatherGone();
  }

  get names(): string[] {
    return [...this.sets.keys()];
  }

  /** Several servers each get everything: those that are not behind must not lose with those that are. */
  get isBroadcast(): boolean {
    return this.names.filter((name) => !name.startsWith(PLUGIN_PREFIX)).length > 1;
  }

  set(name: string): AckSet {
    const set = this.sets.get(name);
    assert(set !== undefined, `there is no cursor ${name}`);
    return set;
  }

  has(name: string): boolean {
    return this.sets.has(name);
  }

  /** One more destination, as in the constructor. */
  add(name: string, newest = POSITION_ZERO): void {
    if (this.sets.has(name)) return;
    const set = new AckSet(this.gone.record());
    if (name.startsWith(PLUGIN_PREFIX)) set.addBelow({ epoch: newest.epoch, sequence: newest.sequence + 1 });
    this.sets.set(name, set);
  }

  remove(name: string): void {
    this.sets.delete(name);
    if (this.sets.size > 0) this.gatherGone();
  }

  ack(name: string, epoch: number, ranges: Iterable<Range>): void {
    const acked = this.set(name);
    for (const [first, last] of ranges) {
      acked.add(epoch, first, last);
      for (const [from, to] of this.ackedByAll(epoch, first, last)) this.gone.add(epoch, from, to);
    }
  }

  /** Nobody gets these. Returns the parts that somebody could still have got. */
  giveUp(epoch: number, first: number, last: number): Range[] {
    const pieces = this.gone.missingWithin(epoch, first, last);
    for (const [from, to] of pieces) {
      this.gone.add(epoch, from, to);
      for (const set of this.sets.values()) set.add(epoch, from, to);
    }
    return pieces;
  }

  giveUpBelow(floor: Position): void {
    this.gone.addBelow(floor);
    for (const set of this.sets.values()) set.addBelow(floor);
  }

  /** Of a time when there were the same cursors, or fewer. */
  giveUpAll(record: AckSetRecord): void {
    this.giveUpBelow(record.floor);
    for (const [epoch, ranges] of record.above)
      for (const [first, last] of ranges) this.giveUp(epoch, first, last);
  }

  record(): CursorsRecord {
    const cursors = Object.fromEntries([...this.sets].map(([name, set]) => [name, set.record()]));
    return { gone: this.gone.record(), cursors };
  }

  private ackedByAll(epoch: number, first: number, last: number): Range[] {
    if (this.sets.size === 1) return [[first, last]];
    let pieces: Range[] = [[first, last]];
    for (const set of this.sets.values()) {
      pieces = pieces.flatMap(([from, to]) => set.within(epoch, from, to));
    }
    return pieces;
  }

  /** After a cursor went away, more may be common to those that remain. */
  private gatherGone(): void {
    // What is common to all and not below the lowest floor lies above it in the set that has this floor.
    const lowest = [...this.sets.values()].reduce<AckSet | undefined>(
      (low, set) => (low === undefined || comparePositions(set.floor, low.floor) < 0 ? set : low),
      undefined,
    );
    if (lowest === undefined) return;
    this.giveUpBelow(lowest.floor);
    for (const [epoch, ranges] of lowest.record().above) {
      for (const [from, to] of ranges) {
        for (const [a, b] of this.ackedByAll(epoch, from, to)) this.gone.add(epoch, a, b);
      }
    }
    for (const set of this.sets.values()) {
      set.addBelow(this.gone.floor);
      for (const [epoch, ranges] of this.gone.record().above)
        for (const [a, b] of ranges) set.add(epoch, a, b);
    }
  }
}
