/** What the queue needs to know of its configuration; sizes in bytes, durations in milliseconds. */
export interface QueueOptions {
  /** Of hot and store together. */
  readonly maxSizeBytes: number;
  /** Left free on the file system. */
  readonly minFree: { readonly bytes: number } | { readonly percent: number };
  /** What stays in hot longer than this goes into the store. */
  readonly checkpointMs: number;
  /** Older batches are dropped; 0: never. */
  readonly expireMs: number;
}

/** What the queue must know of a batch that it otherwise does not look into. */
export interface BatchFacts {
  /** Since 1970. */
  readonly timeMs: number;
  readonly records: number;
  /** Bit 8: must be in the store before it is sent. */
  readonly flags: number;
  /** Unique within the source, never reused. */
  readonly stream: number;
  readonly payloadBytes: number;
}

export type InspectBatch = (bytes: Buffer) => BatchFacts;

export type Fault = (fault: { code: string; message: string }) => void;
