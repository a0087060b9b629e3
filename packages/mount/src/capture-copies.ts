import { BatchBuilder, type BuiltBatch } from './batch-builder.js';
import type { CopySink } from './copy-sink.js';
import type { PendingRows } from './pending-rows.js';
import type { Stream } from './stream.js';

/** Hands over what is copied, of the streams whose rule has `copy_to`. */
export class CaptureCopies {
  constructor(
    /** Absent: no rule has copies. */
    private readonly sink: CopySink | undefined,
    private readonly rows: PendingRows,
  ) {}

  opened({ copyStream }: Stream): void {
    if (copyStream !== undefined) this.sink?.opened(copyStream);
  }

  restored({ handle, copied }: Stream): void {
    if (copied !== undefined) this.sink?.restoredStage(handle, copied);
  }

  /** The handle of the stream that copies of this one go to, if they go to a path of the mount. */
  stageOf(handle: number): number | undefined {
    return this.sink?.stageOf(handle);
  }

  /** Within a transaction: `written` as given, or what is sent of it; `ends` with the stream's last. */
  copy(stream: Stream, batches: readonly BuiltBatch[], written: Buffer | undefined, ends: boolean): void {
    const { copyStream } = stream;
    if (copyStream === undefined || this.sink === undefined) return;
    const filtered = copyStream.rule.copyWhat === 'filtered';
    const copied = filtered ? batches.map(payloadOf(stream)) : [written];
    for (const bytes of copied) if (bytes !== undefined) this.sink.append(copyStream, bytes, this.rows);
    if (ends) this.sink.ends(copyStream);
  }

  /** What was written is copied even if it is not queued. */
  skipped({ copyStream }: Stream, bytes: Buffer): void {
    if (this.sink === undefined || copyStream?.rule.copyWhat !== 'written') return;
    this.sink.append(copyStream, bytes, this.rows);
    this.sink.committed();
  }

  failed({ copyStream }: Stream): void {
    if (copyStream !== undefined) this.sink?.failed(this.rows);
  }

  committed({ copyStream }: Stream): void {
    if (copyStream !== undefined) this.sink?.committed();
  }
}

function payloadOf(stream: Stream): (batch: BuiltBatch) => Buffer {
  const headerBytes = BatchBuilder.headerBytes(stream);
  return ({ bytes }) => bytes.subarray(headerBytes);
}
