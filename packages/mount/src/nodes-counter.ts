import type { PendingRows, RowReader } from './pending-rows.js';

/**
 * Numbers that the kernel was told must never be given out again, whatever is killed. Instead of a row per number,
 * numbers are reserved this many at a time: a takeover skips the rest of a reservation.
 */
const RESERVED_AT_ONCE = 1024;

/**
 * Counts upwards through takeovers and mounts.
 *
 *     <key>   ASCII decimal: every number below it may have been given out
 */
export class PersistentCounter {
  private next: number;
  private reservedBelow: number;

  constructor(
    private readonly key: string,
    private readonly rows: PendingRows,
    stored: RowReader,
    first: number,
  ) {
    const row = stored.row(key);
    this.next = row === undefined ? first : Math.max(first, Number(Buffer.from(row).toString('latin1')));
    this.reservedBelow = this.next;
  }

  take(): number {
    if (this.next >= this.reservedBelow) {
      this.reservedBelow = this.next + RESERVED_AT_ONCE;
      this.rows.put(this.key, Buffer.from(String(this.reservedBelow), 'latin1'));
    }
    return this.next++;
  }
}
