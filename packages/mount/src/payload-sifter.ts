import { Drops, type DropReason } from './drops.js';
import { dropReason, isDropping, type LineFate } from './line-fate.js';
import type { Filtered, LineFilter } from './line-filter.js';
import { countNewlines } from './newline-count.js';
import type { QuotaLeft } from './quota-buckets.js';

const NEWLINE = 0x0a;
const NEWLINE_BYTES = Buffer.from('\n');

/** What the sifting of a write's payloads has come to: it counts when their transaction took place. */
export class SiftTotals {
  readonly drops = new Drops();
  readonly slowPatterns = new Set<string>();
  undecided = 0;
  /** Bytes that passed, for the quota. */
  passedBytes = 0;

  /** The rest of a line whose beginning was dropped. */
  dropRest(fate: LineFate, lines: number, bytes: number): void {
    const reason = dropReason(fate);
    if (reason !== undefined) this.drops.add(reason, lines, bytes);
  }
}

/** How a stream's lines are sifted. */
export interface Sieves {
  readonly filter: LineFilter | undefined;
  /** What may still be sent, less what passed meanwhile; undefined: there is no limit. */
  readonly quota: QuotaLeft | undefined;
}

export interface Sifted {
  readonly payload: Buffer;
  /** The payload is source[start..end). */
  readonly isUnchanged: boolean;
  readonly fate: LineFate;
}

/** What stands where the payload ends: its stream goes on with the same line, or the line is over even without a newline. */
export type OpenEnd = 'continues' | 'complete';

/**
 * Sifts the payloads of one write: what the filter lets through, as far as the quota reaches. A line that is sent in pieces
 * is decided by its first piece: the others follow it, so that no piece is glued to another line.
 */
export class PayloadSifter {
  constructor(
    private readonly sieves: Sieves,
    readonly totals: SiftTotals,
  ) {}

  /** Sifts source[start..end), whose beginning belongs to a line with this fate. */
  sift(source: Buffer, start: number, end: number, fate: LineFate, openEnd: OpenEnd): Sifted {
    if (fate === 'undecided' && end > start && source[end - 1] === NEWLINE) {
      const lines = this.lines(source, start, end);
      return { ...lines, fate };
    }
    return this.withPieces(source, start, end, fate, openEnd);
  }

  private withPieces(source: Buffer, start: number, end: number, fate: LineFate, openEnd: OpenEnd): Sifted {
    const parts: Buffer[] = [];
    let at = start;
    let now = fate;
    if (now !== 'undecided') {
      at = lineEnd(source, start, end);
      if (isDropping(now)) this.totals.dropRest(now, 0, at - start);
      else parts.push(this.continuation(source, start, at));
      if (at > start && source[at - 1] === NEWLINE) now = 'undecided';
    }
    const openStart = source.subarray(at, end).lastIndexOf(NEWLINE) + 1 + at;
    if (openStart > at) parts.push(this.lines(source, at, openStart).payload);
    if (end > openStart) {
      const piece = this.firstPiece(source, openStart, end, openEnd);
      parts.push(piece.payload);
      now = piece.fate;
    }
    return joined(parts, source, start, end, now);
  }

  /** Whole lines, or the only part of a line that there will be. */
  private lines(source: Buffer, start: number, end: number): Omit<Sifted, 'fate'> {
    const filtered = this.sieves.filter?.apply(source, start, end);
    if (filtered !== undefined) this.count(filtered);
    const payload = filtered === undefined ? source.subarray(start, end) : filtered.payload;
    const passed = this.withinQuota(payload);
    const isUnchanged = (filtered?.isUnchanged ?? true) && passed.length === payload.length;
    return { payload: passed, isUnchanged };
  }

  private firstPiece(
    source: Buffer,
    start: number,
    end: number,
    openEnd: OpenEnd,
  ): Omit<Sifted, 'isUnchanged'> {
    const { filter } = this.sieves;
    const dropsBefore = new Drops();
    dropsBefore.addAll(this.totals.drops);
    const { payload, isUnchanged } = this.lines(source, start, end);
    if (openEnd === 'complete') return { payload, fate: 'undecided' };
    const reason = this.reasonSince(dropsBefore);
    if (reason !== undefined) return { payload, fate: reason };
    if (isUnchanged || filter === undefined) return { payload, fate: 'passing' };
    // Only an output stands for a whole line: then nothing of the rest follows.
    const rewritten = filter.rewritePart(source, start, end).payload;
    if (rewritten.equals(payload)) return { payload, fate: 'passing' };
    return { payload: Buffer.concat([payload, NEWLINE_BYTES]), fate: 'replaced' };
  }

  private reasonSince(before: Drops): DropReason | undefined {
    for (const [reason, { lines }] of this.totals.drops.entries()) {
      if (lines > before.get(reason).lines) return reason;
    }
    return undefined;
  }

  private continuation(source: Buffer, start: number, end: number): Buffer {
    const filtered = this.sieves.filter?.rewritePart(source, start, end);
    if (filtered === undefined) {
      this.totals.passedBytes += end - start;
      return source.subarray(start, end);
    }
    this.count(filtered);
    this.totals.passedBytes += filtered.payload.length;
    // What was begun has to end, or the next line would be glued to it.
    const lacksNewline = filtered.failed > 0 && source[end - 1] === NEWLINE;
    return lacksNewline ? NEWLINE_BYTES : filtered.payload;
  }

  /** As many whole lines as the quota allows. */
  private withinQuota(payload: Buffer): Buffer {
    const { drops, passedBytes } = this.totals;
    const { quota } = this.sieves;
    const left = quota === undefined ? Infinity : quota.bytes - passedBytes;
    if (payload.length <= left) {
      this.totals.passedBytes += payload.length;
      return payload;
    }
    let length = left < 1 ? 0 : payload.subarray(0, Math.floor(left)).lastIndexOf(NEWLINE) + 1;
    if (length === 0 && passedBytes === 0 && quota?.isFull === true)
      length = lineEnd(payload, 0, payload.length);
    const over = payload.length - length;
    const isOpen = payload[payload.length - 1] !== NEWLINE;
    if (over > 0) drops.add('quota', countNewlines(payload, length, payload.length) + (isOpen ? 1 : 0), over);
    this.totals.passedBytes += length;
    return payload.subarray(0, length);
  }

  private count(filtered: Filtered): void {
    const { drops, slowPatterns } = this.totals;
    drops.add('filter', filtered.dropped, filtered.droppedBytes);
    drops.add('filter_failed', filtered.failed, filtered.failedBytes);
    this.totals.undecided += filtered.undecided;
    for (const pattern of filtered.slowPatterns) slowPatterns.add(pattern);
  }
}

/** Behind the first newline of source[start..end), or the end. */
function lineEnd(source: Buffer, start: number, end: number): number {
  const newline = source.subarray(start, end).indexOf(NEWLINE);
  return newline < 0 ? end : start + newline + 1;
}

function joined(
  parts: readonly Buffer[],
  source: Buffer,
  start: number,
  end: number,
  fate: LineFate,
): Sifted {
  const payload = parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
  // Bytes that were all kept are the same bytes: one look is cheaper than to keep account of each part.
  const isUnchanged = payload.length === end - start && payload.equals(source.subarray(start, end));
  return { payload, isUnchanged, fate };
}
