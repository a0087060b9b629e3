import type { LineFate } from './line-fate.js';
import type { LineFilter } from './line-filter.js';
import { countNewlines } from './newline-count.js';
import { payloadParts } from './payload-parts.js';
import { PayloadSifter, SiftTotals, type OpenEnd } from './payload-sifter.js';

/** What of a rule decides how a file's lines are cut and filtered. */
export interface CutRule {
  readonly maxRecordBytes: number;
  readonly longRecords: 'split' | 'drop';
  readonly filter: LineFilter | undefined;
}

/**
 * What became of the beginning of the line that the next byte belongs to: `none`, the next byte begins a line; else it
 * was sent, or dropped, and what follows is too.
 */
export type LineBegun = 'none' | 'sent' | 'dropped';

export interface LineCut {
  readonly payloads: readonly Buffer[];
  /** Bytes of the window that are dealt with; the next window begins behind them. */
  readonly consumedBytes: number;
  readonly begun: LineBegun;
  /** Lines, or their beginnings, that the rule does not let through. */
  readonly droppedLines: number;
}

/** `more`: the file goes on behind the window; `end`: it may go on some day; `last`: nothing comes any more. */
export type WindowEnd = 'more' | 'end' | 'last';

const NEWLINE = 0x0a;

/**
 * Whether an unfinished line waits for its end: what is to be judged as a whole cannot be judged before.
 */
function waitsForEnd({ filter, longRecords }: CutRule): boolean {
  return filter !== undefined || longRecords === 'drop';
}

/**
 * Cuts a window of a file into payloads: runs of whole lines, pieces of lines that are longer than `maxRecordBytes`
 * (without the newline), and at the end what is left. A window that is not the last one must be longer than that.
 */
export function cutLines(window: Buffer, begun: LineBegun, rule: CutRule, windowEnd: WindowEnd): LineCut {
  const cutter = new WindowCutter(window, begun, rule);
  cutter.run();
  const takesRest = windowEnd === 'last' || (windowEnd === 'end' && !waitsForEnd(rule));
  if (takesRest) cutter.takeRest();
  return cutter.result();
}

class WindowCutter {
  private readonly payloads: Buffer[] = [];
  private at = 0;
  /** Where whole lines begin that have not become a payload yet. */
  private linesFrom = 0;
  private tooLongLines = 0;
  private readonly totals = new SiftTotals();
  private readonly sifter: PayloadSifter;

  constructor(
    private readonly window: Buffer,
    private begun: LineBegun,
    private readonly rule: CutRule,
  ) {
    this.sifter = new PayloadSifter({ filter: rule.filter, quota: undefined }, this.totals);
  }

  run(): void {
    const { window, rule } = this;
    const limit = rule.maxRecordBytes;
    while (this.at < window.length) {
      const reach = window.subarray(this.at, this.at + limit + 1);
      const newline = this.begun === 'none' ? reach.lastIndexOf(NEWLINE) : reach.indexOf(NEWLINE);
      if (newline >= 0 && this.begun === 'none') this.at += newline + 1;
      else if (newline >= 0) this.piece(newline + 1, 'continues');
      else if (window.length - this.at > limit) this.piece(limit, 'continues');
      else break;
    }
    this.endLines();
  }

  /** What is left has no newline. */
  takeRest(): void {
    const bytes = this.window.length - this.at;
    if (bytes > 0) this.piece(bytes, waitsForEnd(this.rule) ? 'complete' : 'continues');
  }

  result(): LineCut {
    const { payloads, at, begun, tooLongLines, totals } = this;
    const droppedLines =
      tooLongLines + totals.drops.get('filter').lines + totals.drops.get('filter_failed').lines;
    return { payloads, consumedBytes: at, begun, droppedLines };
  }

  private endLines(): void {
    if (this.at > this.linesFrom) this.sift(this.linesFrom, this.at, 'continues');
    this.linesFrom = this.at;
  }

  /** Part of one line: its beginning, when none has begun, its end, or something between. */
  private piece(bytes: number, openEnd: OpenEnd): void {
    this.endLines();
    const { window, rule, begun } = this;
    const end = this.at + bytes;
    const isTooLong = bytes >= rule.maxRecordBytes && end < window.length;
    if (begun === 'none' && isTooLong && rule.longRecords === 'drop') {
      this.tooLongLines++;
      this.begun = 'dropped';
    } else {
      this.sift(this.at, end, openEnd);
    }
    this.at = end;
    this.linesFrom = end;
  }

  private sift(start: number, end: number, openEnd: OpenEnd): void {
    const { payload, fate } = this.sifter.sift(this.window, start, end, FATES[this.begun], openEnd);
    this.payloads.push(...payloadParts(payload));
    // Should the line go on all the same, what follows it is treated as its beginning was.
    if (openEnd === 'complete') this.begun = payload.length > 0 ? 'sent' : 'dropped';
    else if (fate === 'undecided') this.begun = 'none';
    else this.begun = fate === 'passing' ? 'sent' : 'dropped';
  }
}

/** Why a line was dropped need not be known for its rest: that is not counted again. */
const FATES: Readonly<Record<LineBegun, LineFate>> = {
  none: 'undecided',
  sent: 'passing',
  dropped: 'replaced',
};

/** Records in a payload of lines: an unfinished one counts. */
export function recordsIn(payload: Buffer): number {
  return countNewlines(payload, 0, payload.length) + (endsOpen(payload) ? 1 : 0);
}

export function endsOpen(payload: Buffer): boolean {
  return payload.length > 0 && payload[payload.length - 1] !== NEWLINE;
}
