import type { BuiltBatch } from './batch-builder.js';
import type { Stream } from './stream.js';

/** What is to take place at once: batches of several streams, and what their success or failure means for them. */
export class CaptureTransaction {
  readonly batches: BuiltBatch[] = [];
  private readonly undos: (() => void)[] = [];
  private readonly dones: (() => void)[] = [];

  add(stream: Stream, batches: readonly BuiltBatch[]): void {
    if (stream.rule.delivery !== 'nobody') this.batches.push(...batches);
  }

  onFailure(undo: () => void): void {
    this.undos.push(undo);
  }

  onSuccess(done: () => void): void {
    this.dones.push(done);
  }

  failed(): void {
    for (const undo of this.undos.reverse()) undo();
  }

  succeeded(): void {
    for (const done of this.dones) done();
  }
}
