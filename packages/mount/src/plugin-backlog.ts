import type { Position } from '@k2hft/queue';
import type { Batch } from '@k2hft/wire';

/** A batch that was read for a process which has no room for it. */
export interface HeldBatch {
  readonly batch: Batch;
  readonly position: Position;
  /** As it is in the queue. */
  readonly bytes: number;
}

/** What is held in memory for the processes of one rule's plugin, by key, each in the order of the queue. */
export class PluginBacklog {
  private readonly byKey = new Map<string, { held: HeldBatch[]; bytes: number }>();
  bytes = 0;
  batches = 0;

  get keys(): string[] {
    return [...this.byKey.keys()];
  }

  has(key: string): boolean {
    return this.byKey.has(key);
  }

  add(key: string, held: HeldBatch): void {
    let ofKey = this.byKey.get(key);
    if (ofKey === undefined) this.byKey.set(key, (ofKey = { held: [], bytes: 0 }));
    ofKey.held.push(held);
    ofKey.bytes += held.bytes;
    this.count(1, held.bytes);
  }

  /** Gives the oldest of a key away, for as long as `give` takes them. */
  giveFrom(key: string, give: (held: HeldBatch) => boolean): void {
    const ofKey = this.byKey.get(key);
    if (ofKey === undefined) return;
    let given = 0;
    for (const held of ofKey.held) {
      if (!give(held)) break;
      given++;
    }
    this.takeOff(key, ofKey, given);
  }

  /**
   * Takes off the oldest of whoever is the furthest behind: up to so many bytes, and half of what is held for it at the most, so that
   * what is read then shows who is the furthest behind in truth. At least one.
   */
  dropOldest(bytes: number): HeldBatch[] {
    let most: [string, { held: HeldBatch[]; bytes: number }] | undefined;
    for (const entry of this.byKey) if (most === undefined || entry[1].bytes > most[1].bytes) most = entry;
    if (most === undefined) return [];
    const [key, ofKey] = most;
    let left = Math.min(bytes, ofKey.bytes / 2);
    let count = 0;
    for (const held of ofKey.held) {
      if (left <= 0) break;
      left -= held.bytes;
      count++;
    }
    const dropped = ofKey.held.slice(0, count);
    this.takeOff(key, ofKey, count);
    return dropped;
  }

  private takeOff(key: string, ofKey: { held: HeldBatch[]; bytes: number }, count: number): void {
    const bytes = ofKey.held.splice(0, count).reduce((sum, held) => sum + held.bytes, 0);
    ofKey.bytes -= bytes;
    this.count(-count, -bytes);
    if (ofKey.held.length === 0) this.byKey.delete(key);
  }

  private count(batches: number, bytes: number): void {
    this.batches += batches;
    this.bytes += bytes;
  }
}
