/** A pattern of a rule, applied to the text of one line. */
export interface Matcher {
  readonly source: string;
  test(text: string): boolean;
  /** What `output` becomes for the first match; undefined when there is none. */
  expand(text: string, output: string): string | undefined;
  replaceAll(text: string, replacement: string): string;
}

/** A rule's filter, with patterns and replacements for one kind of text. */
export interface Decisions {
  readonly deny: readonly Matcher[];
  readonly select: readonly { readonly matcher: Matcher; readonly output: string | undefined }[];
  readonly allow: readonly Matcher[];
  readonly allowsByDefault: boolean;
  readonly rewrite: readonly { readonly matcher: Matcher; readonly replacement: string }[];
}

/** A line of 8 MiB, the largest `max_record`, has at most so many characters. What replacements make longer is no line. */
const TEXT_LENGTH_MAX = 8 * 1024 * 1024;

/** A line cannot be sent, because what should be taken out of it could not be found in time, or it grew too long. */
export class UnfinishedLineError extends Error {
  constructor(readonly pattern: string) {
    super(`the pattern ${pattern} takes too long, or makes a line too long`);
    this.name = 'UnfinishedLineError';
  }
}

/**
 * What becomes of a line: its text, changed or not, or undefined when it is dropped. Throws UnfinishedLineError, and
 * RangeError for a text that is longer than JavaScript can hold.
 */
export function decide(decisions: Decisions, text: string): string | undefined {
  for (const matcher of decisions.deny) if (matcher.test(text)) return undefined;
  const kept = select(decisions, text);
  return kept === undefined ? undefined : rewrite(decisions, kept);
}

/** For a part of a line whose beginning was let through. */
export function rewrite(decisions: Decisions, text: string): string {
  let rewritten = text;
  for (const { matcher, replacement } of decisions.rewrite) {
    rewritten = matcher.replaceAll(rewritten, replacement);
    if (rewritten.length > TEXT_LENGTH_MAX) throw new UnfinishedLineError(matcher.source);
  }
  return rewritten;
}

function select(decisions: Decisions, text: string): string | undefined {
  for (const { matcher, output } of decisions.select) {
    if (output === undefined) {
      if (matcher.test(text)) return text;
    } else {
      const expanded = matcher.expand(text, output);
      if (expanded !== undefined) return expanded;
    }
  }
  for (const matcher of decisions.allow) if (matcher.test(text)) return text;
  return decisions.allowsByDefault ? text : undefined;
}
