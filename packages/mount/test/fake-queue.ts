import type { BuiltBatch } from '../src/batch-builder.js';
import type { CaptureQueue } from '../src/capture.js';
import { decodeBatch, type Batch } from '@k2hft/wire';

/** A queue in memory that outlives its worker, and fails when told to. */
export class FakeQueue implements CaptureQueue {
  readonly epoch = 0;
  readonly batches: Batch[] = [];
  private readonly stored = new Map<string, Buffer>();
  private sequence = 1;
  failing = false;

  nextSequence(): number {
    return this.sequence;
  }

  append(batches: readonly BuiltBatch[], rows: ReadonlyMap<string, Uint8Array | undefined>): void {
    if (this.failing) throw new Error('no room');
    for (const { sequence, bytes } of batches) {
      if (sequence !== this.sequence++) throw new Error(`sequence ${sequence} is out of turn`);
      this.batches.push(decodeBatch(Buffer.from(bytes), 0));
    }
    for (const [key, value] of rows) {
      if (value === undefined) this.stored.delete(key);
      else this.stored.set(key, Buffer.from(value));
    }
  }

  row(key: string): Buffer | undefined {
    return this.stored.get(key);
  }

  *rows(prefix: string): Iterable<[string, Buffer]> {
    for (const [key, value] of [...this.stored].sort()) if (key.startsWith(prefix)) yield [key, value];
  }

  /** Keys that are stored, without the counter of streams. */
  keys(): string[] {
    return [...this.stored.keys()].filter((key) => key !== 'c');
  }

  textOf(stream: number): string {
    const payloads = this.batches.filter((batch) => batch.stream === stream).map(({ payload }) => payload);
    return Buffer.concat(payloads).toString('latin1');
  }
}
