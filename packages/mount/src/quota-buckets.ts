import type { ByteString } from '@k2hft/fuse';

interface Bucket {
  readonly bytesPerSecond: number;
  /** Below zero after a line that was longer than one second's worth. */
  bytes: number;
  filledAtMs: number;
}

/** More paths than this are seldom written at once; buckets that are full again are forgotten then. */
const BUCKETS_MAX = 4096;

/** What each path may still send: one second's worth of its quota at most, and as much again every second. */
export class QuotaBuckets {
  private readonly buckets = new Map<ByteString, Bucket>();

  /** What may be sent now. */
  leftBytes(path: ByteString, bytesPerSecond: number, nowMs: number): QuotaLeft {
    const { bytes } = this.filled(path, bytesPerSecond, nowMs);
    return { bytes, isFull: bytes >= bytesPerSecond };
  }

  spend(path: ByteString, bytes: number): void {
    const bucket = this.buckets.get(path);
    if (bucket !== undefined) bucket.bytes -= bytes;
  }

  private filled(path: ByteString, bytesPerSecond: number, nowMs: number): Bucket {
    let bucket = this.buckets.get(path);
    if (bucket === undefined) {
      if (this.buckets.size >= BUCKETS_MAX) this.forgetFull(nowMs);
      bucket = { bytesPerSecond, bytes: bytesPerSecond, filledAtMs: nowMs };
      this.buckets.set(path, bucket);
    }
    fill(bucket, nowMs);
    return bucket;
  }

  private forgetFull(nowMs: number): void {
    for (const [path, bucket] of this.buckets) {
      fill(bucket, nowMs);
      if (bucket.bytes >= bucket.bytesPerSecond) this.buckets.delete(path);
    }
  }
}

export interface QuotaLeft {
  readonly bytes: number;
  /** Then one line is let through, however long it is: else none of that length ever would. */
  readonly isFull: boolean;
}

function fill(bucket: Bucket, nowMs: number): void {
  // The clock may be set back; then nothing is filled, and nothing is lost.
  const seconds = Math.max(0, nowMs - bucket.filledAtMs) / 1000;
  bucket.bytes = Math.min(bucket.bytesPerSecond, bucket.bytes + seconds * bucket.bytesPerSecond);
  bucket.filledAtMs = nowMs;
}
