/** Holds many small batches, and is let go when the last of them is. */
const ARENA_BYTES = 256 * 1024;

/**
 * Where batches are copied to: one after the other into the same memory. Batches of one read that lie in the same
 * memory lie back to back, so that they can be sent as one piece.
 */
export class BatchArena {
  private memory = Buffer.alloc(0);
  private usedBytes = 0;

  copy(bytes: Buffer): Buffer {
    if (bytes.length > this.memory.length - this.usedBytes) {
      this.memory = Buffer.allocUnsafeSlow(Math.max(ARENA_BYTES, bytes.length));
      this.usedBytes = 0;
    }
    const start = this.usedBytes;
    this.memory.set(bytes, start);
    this.usedBytes = start + bytes.length;
    return this.memory.subarray(start, this.usedBytes);
  }
}
