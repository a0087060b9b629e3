/** Why a line, or what a program wrote otherwise, is not sent. */
export const DROP_REASONS = ['queue_full', 'filter', 'quota', 'long_records', 'filter_failed'] as const;
export type DropReason = (typeof DROP_REASONS)[number];

export interface Dropped {
  lines: number;
  bytes: number;
}

/** What was dropped, by reason. */
export class Drops {
  private readonly byReason = new Map<DropReason, Dropped>();

  add(reason: DropReason, lines: number, bytes: number): void {
    if (lines === 0 && bytes === 0) return;
    const known = this.byReason.get(reason);
    if (known === undefined) {
      this.byReason.set(reason, { lines, bytes });
    } else {
      known.lines += lines;
      known.bytes += bytes;
    }
  }

  addAll(other: Drops): void {
    for (const [reason, { lines, bytes }] of other.byReason) this.add(reason, lines, bytes);
  }

  get(reason: DropReason): Readonly<Dropped> {
    return this.byReason.get(reason) ?? { lines: 0, bytes: 0 };
  }

  /** Only the reasons that occurred. */
  entries(): Iterable<[DropReason, Readonly<Dropped>]> {
    return this.byReason;
  }
}
