import type { RuleSettings } from '@k2hft/config';
import { decide, rewrite, UnfinishedLineError, type Decisions, type Matcher } from './line-decision.js';
import { CarefulMatcher, DirectMatcher, LeadingMatcher } from './line-matchers.js';
import { LinePattern } from './line-pattern.js';
import { LineReader, type TextKind } from './line-reader.js';
import { LineSieve } from './line-sieve.js';
import { MatchBudget, SlowTime } from './match-budget.js';

/** What of a rule decides about lines. */
export type FilterSettings = Pick<RuleSettings, 'default' | 'select' | 'allow' | 'deny' | 'rewrite'>;

export interface Filtered {
  /** What is left: a view of the same bytes when nothing changed. */
  readonly payload: Buffer;
  readonly isUnchanged: boolean;
  /** Lines, and their bytes, that the rule does not let through. */
  readonly dropped: number;
  readonly droppedBytes: number;
  /** Lines that are lost because a replacement could not be finished. */
  readonly failed: number;
  readonly failedBytes: number;
  /** Tests that were given up, and answered so that the line is kept. */
  readonly undecided: number;
  /** The patterns that these were, and those of the failed lines: for the log. */
  readonly slowPatterns: readonly string[];
}

export interface LineFilter {
  /** Filters whole lines in source[start..end); the last may lack its newline. */
  apply(source: Buffer, start: number, end: number): Filtered;
  /** For a part of a line whose beginning was let through: only `rewrite` is done to it. */
  rewritePart(source: Buffer, start: number, end: number): Filtered;
}

/**
 * A rule's filter; undefined: no line is looked at. The configuration has been checked: patterns that are no regular expressions
 * throw SyntaxError here.
 *
 * A pattern that is not decided in time (see line-pattern.ts) loses no line and lets out nothing that was to be masked: in
 * `deny` it counts as not matching, in `allow`, and in `select` without an output, as matching; a line with an
 * undecided `rewrite` or output is not sent. `time` is what all filters of a process share.
 */
export function compileFilter(settings: FilterSettings, time = new SlowTime()): LineFilter | undefined {
  const { allow, deny, select, rewrite: pairs } = settings;
  const looksAtLines = allow.length + deny.length + select.length + pairs.length > 0;
  return looksAtLines || settings.default === 'deny' ? new PatternFilter(settings, time) : undefined;
}

type Decide = (decisions: Decisions, text: string) => string | undefined;

class PatternFilter implements LineFilter {
  private readonly direct: Record<TextKind, Decisions>;
  private readonly careful: Record<TextKind, Decisions>;
  private readonly unwatchedLengthMax: number;
  private budget: MatchBudget;

  constructor(
    settings: FilterSettings,
    private readonly time: SlowTime,
  ) {
    this.budget = new MatchBudget(time);
    const compiled = compilePatterns(settings);
    this.unwatchedLengthMax = Math.min(...compiled.all.map((pattern) => pattern.unwatchedLengthMax));
    const budget = () => this.budget;
    this.direct = forEachKind((kind) =>
      bind(settings, compiled, kind, ({ leading, plain, source, unicode }) => {
        const form = kind === 'unicode' ? 'unicode' : 'plain';
        if (leading !== undefined) return new LeadingMatcher(source, leading[form]);
        return new DirectMatcher(source, form === 'unicode' ? unicode : plain);
      }),
    );
    this.careful = forEachKind((kind) =>
      bind(settings, compiled, kind, (pattern, undecided) => {
        return new CarefulMatcher(pattern, kind !== 'unicode', undecided, budget);
      }),
    );
  }

  apply(source: Buffer, start: number, end: number): Filtered {
    return this.run(decide, source, start, end);
  }

  rewritePart(source: Buffer, start: number, end: number): Filtered {
    return this.run(rewrite, source, start, end);
  }

  private run(judge: Decide, source: Buffer, start: number, end: number): Filtered {
    const filtering = new Filtering(source, start, end);
    const { reader } = filtering;
    const { plain } = this.direct;
    while (reader.advance()) {
      if (reader.kind !== 'plain' || reader.text.length > this.unwatchedLengthMax) {
        this.watch(judge, filtering);
        break;
      }
      filtering.take(reader, reader.text, attempt(judge, plain, reader.text));
    }
    return filtering.result();
  }

  /** Goes on from the reader's present line with an eye on the time. */
  private watch(judge: Decide, filtering: Filtering): void {
    const lines = filtering.remaining();
    this.budget = new MatchBudget(this.time);
    const judged: Judged[] = [];
    while (judged.length < lines.length) {
      // What this does may end between any two steps: a line is judged when its result is in the list.
      const finished = this.budget.runLines((lineDone) => {
        for (let line = lines[judged.length]; line !== undefined; line = lines[judged.length]) {
          judged.push(attempt(judge, this.direct[line.kind], line.text));
          lineDone(line.text.length);
        }
      });
      const line = lines[judged.length];
      if (!finished && line !== undefined) judged.push(attempt(judge, this.careful[line.kind], line.text));
    }
    lines.forEach((line, index) => {
      filtering.take(line, line.text, judged[index]);
    });
    filtering.undecided += this.budget.undecidedTests;
    for (const pattern of this.budget.undecided) filtering.slowPatterns.add(pattern);
  }
}

/** A line's text as it is sent, undefined: dropped; an error: it could not be finished. */
type Judged = string | undefined | UnfinishedLineError;

function attempt(judge: Decide, decisions: Decisions, text: string): Judged {
  try {
    return judge(decisions, text);
  } catch (error) {
    if (error instanceof UnfinishedLineError) return error;
    // The text would be longer than any string may be.
    if (error instanceof RangeError)
      return new UnfinishedLineError(decisions.rewrite[0]?.matcher.source ?? '');
    throw error;
  }
}

interface Line {
  readonly start: number;
  readonly end: number;
  readonly next: number;
  readonly text: string;
  readonly kind: TextKind;
}

/** The filtering of one run of lines. */
class Filtering {
  readonly reader: LineReader;
  readonly slowPatterns = new Set<string>();
  undecided = 0;
  private readonly sieve: LineSieve;
  private dropped = 0;
  private droppedBytes = 0;
  private failed = 0;
  private failedBytes = 0;

  constructor(source: Buffer, start: number, end: number) {
    this.reader = new LineReader(source, start, end);
    this.sieve = new LineSieve(source, start, end);
  }

  take(line: Line, text: string, judged: Judged): void {
    if (judged === text) {
      this.sieve.keep(line);
    } else if (typeof judged === 'string') {
      this.sieve.replace(line, judged, line.kind);
    } else if (judged === undefined) {
      this.dropped++;
      this.droppedBytes += line.next - line.start;
    } else {
      this.failed++;
      this.failedBytes += line.next - line.start;
      this.slowPatterns.add(judged.pattern);
    }
  }

  /** The reader's present line and all behind it. */
  remaining(): Line[] {
    const lines: Line[] = [];
    do {
      const { start, end, next, text, kind } = this.reader;
      lines.push({ start, end, next, text, kind });
    } while (this.reader.advance());
    return lines;
  }

  result(): Filtered {
    const { dropped, droppedBytes, failed, failedBytes, sieve, slowPatterns, undecided } = this;
    return {
      payload: sieve.result(),
      isUnchanged: sieve.isUnchanged,
      dropped,
      droppedBytes,
      failed,
      failedBytes,
      undecided,
      slowPatterns: [...slowPatterns],
    };
  }
}

interface CompiledPatterns {
  readonly deny: readonly LinePattern[];
  readonly select: readonly LinePattern[];
  readonly allow: readonly LinePattern[];
  readonly rewrite: readonly LinePattern[];
  readonly all: readonly LinePattern[];
}

function compilePatterns(settings: FilterSettings): CompiledPatterns {
  const deny = settings.deny.map((source) => new LinePattern(source, false));
  const select = settings.select.map(({ pattern }) => new LinePattern(pattern, false));
  const allow = settings.allow.map((source) => new LinePattern(source, false));
  const pairs = settings.rewrite.map(([source]) => new LinePattern(source, true));
  return { deny, select, allow, rewrite: pairs, all: [...deny, ...select, ...allow, ...pairs] };
}

function forEachKind(make: (kind: TextKind) => Decisions): Record<TextKind, Decisions> {
  return { plain: make('plain'), unicode: make('unicode'), raw: make('raw') };
}

/** The settings with matchers for one kind of text; `undecided` is how a test is answered that is given up. */
function bind(
  settings: FilterSettings,
  compiled: CompiledPatterns,
  kind: TextKind,
  makeMatcher: (pattern: LinePattern, undecided: boolean) => Matcher,
): Decisions {
  // A raw line is written back byte by byte: what is put into it has to be bytes as well.
  const encoded = (text: string) => (kind === 'raw' ? Buffer.from(text).toString('latin1') : text);
  return {
    allowsByDefault: settings.default === 'allow',
    deny: compiled.deny.map((pattern) => makeMatcher(pattern, false)),
    select: compiled.select.map((pattern, index) => {
      const output = settings.select[index]?.output;
      const matcher = makeMatcher(pattern, true);
      return { matcher, output: output === undefined ? undefined : encoded(output) };
    }),
    allow: compiled.allow.map((pattern) => makeMatcher(pattern, true)),
    rewrite: compiled.rewrite.map((pattern, index) => {
      return {
        matcher: makeMatcher(pattern, false),
        replacement: encoded(settings.rewrite[index]?.[1] ?? ''),
      };
    }),
  };
}
