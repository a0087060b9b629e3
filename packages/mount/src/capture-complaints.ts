import { printableName } from '@k2hft/config';
import type { ByteString } from '@k2hft/fuse';
import type { Cut } from './write-cutter.js';
import type { Stream } from './stream.js';

/** Of a path that goes on so for hours, and of programs that open a file for each line, the log has one line in so long. */
const EVERY_MS = 10_000;
/** More paths than this are told of as they come, rather than remembered. */
const PATHS_MAX = 1000;

/** Tells the log what capture leaves out, and does not repeat itself. */
export class CaptureComplaints {
  private readonly quotaToldAtMs = new Map<ByteString, number>();
  private readonly lengthToldAtMs = new Map<ByteString, number>();
  private readonly slowPatterns = new Set<string>();

  constructor(private readonly options: { warn(message: string): void; clock: { nowMs(): number } }) {}

  about(stream: Stream, { pieces, totals }: Cut): void {
    if (pieces > 0 || totals.drops.get('long_records').lines > 0) this.tooLong(stream);
    if (totals.drops.get('quota').lines > 0) this.overQuota(stream);
    for (const pattern of totals.slowPatterns) this.tooSlow(stream, pattern);
  }

  private tooLong({ path, rule }: Stream): void {
    if (!this.isDue(this.lengthToldAtMs, path)) return;
    const { longRecords, maxRecordBytes } = rule.settings;
    const outcome =
      longRecords === 'drop'
        ? 'is dropped, as long_records says; raise max_record if it should be sent'
        : 'is sent in pieces; raise max_record if it must stay whole';
    this.options.warn(
      `${printableName(path)}: a line is longer than max_record (${maxRecordBytes} bytes) and ${outcome}`,
    );
  }

  private overQuota({ path, rule }: Stream): void {
    if (!this.isDue(this.quotaToldAtMs, path)) return;
    this.options.warn(
      `${printableName(path)}: more than its quota of ${rule.settings.quotaBytesPerSecond ?? 0} bytes a second is written: lines are dropped`,
    );
  }

  private isDue(toldAtMs: Map<ByteString, number>, path: ByteString): boolean {
    const nowMs = this.options.clock.nowMs();
    // The clock may be set back.
    if (Math.abs(nowMs - (toldAtMs.get(path) ?? -Infinity)) < EVERY_MS) return false;
    if (toldAtMs.size >= PATHS_MAX) toldAtMs.clear();
    toldAtMs.set(path, nowMs);
    return true;
  }

  private tooSlow({ path }: Stream, pattern: string): void {
    if (this.slowPatterns.has(pattern)) return;
    this.slowPatterns.add(pattern);
    this.options.warn(
      `${printableName(path)}: the pattern ${printableName(pattern)} takes too long for some lines: where it only tests they are kept, where it replaces they are dropped; use a pattern without lookaround and backreferences`,
    );
  }
}
