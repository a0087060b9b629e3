import { QueueError, type QueueErrorCode } from '@k2hft/queue';
import { decodeBatch, type Batch } from '@k2hft/wire';
import type { RelayQueue } from '../src/relay-sink.js';

export const RELAY = '10000000-0000-4000-8000-000000000001';

/** Keeps what is appended, and the rows that came with it. */
export class MemoryRelayQueue implements RelayQueue {
  readonly source = RELAY;
  readonly batches: Batch[] = [];
  readonly rows = new Map<string, Uint8Array>();
  capacityBytes = Infinity;
  failure: QueueErrorCode | undefined;
  appends = 0;
  droppedBytes: number[] = [];
  usedBytes = 0;

  epoch(): number {
    return 1;
  }

  nextSequence(): number {
    return (this.batches.at(-1)?.sequence ?? 0) + 1;
  }

  append(
    batches: readonly { sequence: number; bytes: Uint8Array }[],
    ledger: ReadonlyMap<string, Uint8Array>,
  ): Promise<void> {
    this.appends++;
    if (this.failure !== undefined) return Promise.reject(new QueueError(this.failure, 'as the test says'));
    const bytes = batches.reduce((sum, batch) => sum + batch.bytes.length, 0);
    if (bytes > this.roomBytes()) return Promise.reject(new QueueError('no_space', 'it is full'));
    for (const batch of batches) this.batches.push(decodeBatch(Buffer.from(batch.bytes), 0));
    for (const [key, row] of ledger) this.rows.set(key, row);
    this.usedBytes += bytes;
    return Promise.resolve();
  }

  ledger(): ReadonlyMap<string, Uint8Array> {
    return this.rows;
  }

  roomBytes(): number {
    return this.capacityBytes - this.usedBytes;
  }

  dropOldest(bytes: number): { batches: number; records: number; bytes: number } {
    this.droppedBytes.push(bytes);
    let records = 0;
    const batches = this.batches.length - 1;
    const before = this.usedBytes;
    for (const batch of this.batches.splice(0, batches)) records += batch.recordCount;
    this.usedBytes = this.batches.reduce((sum, batch) => sum + batch.totalBytes, 0);
    return { batches: Math.max(0, batches), records, bytes: before - this.usedBytes };
  }

  payloads(): string[] {
    return this.batches.map(({ payload }) => payload.toString());
  }
}
