import { UnfinishedLineError, type Matcher } from './line-decision.js';
import type { LinePattern } from './line-pattern.js';
import type { MatchBudget } from './match-budget.js';

/** Matches with one expression, however long it takes. */
export class DirectMatcher implements Matcher {
  constructor(
    readonly source: string,
    private readonly expression: RegExp,
  ) {}

  test(text: string): boolean {
    return this.expression.test(text);
  }

  expand(text: string, output: string): string | undefined {
    const match = this.expression.exec(text);
    if (match === null) return undefined;
    const behind = text.length - match.index - match[0].length;
    const replaced = text.replace(this.expression, output);
    return replaced.slice(match.index, replaced.length - behind);
  }

  replaceAll(text: string, replacement: string): string {
    return text.replace(this.expression, replacement);
  }
}

/** What ends a line for JavaScript's `.`, beside the newline, which no line holds. */
const LINE_END = /[\r\u2028\u2029]/g;

/** Matches with an expression that can only match at a line's start or behind a line end (see LinePattern.leading). */
export class LeadingMatcher implements Matcher {
  constructor(
    readonly source: string,
    /** With the y flag. */
    private readonly expression: RegExp,
  ) {}

  test(text: string): boolean {
    return this.find(text) !== undefined;
  }

  expand(text: string, output: string): string | undefined {
    const start = this.find(text);
    if (start === undefined) return undefined;
    const behind = text.length - this.expression.lastIndex;
    this.expression.lastIndex = start;
    const replaced = text.replace(this.expression, output);
    return replaced.slice(start, replaced.length - behind);
  }

  replaceAll(): never {
    throw new Error('only the first match of a pattern begins at such a place');
  }

  /** Where the first match begins; lastIndex is its end. */
  private find(text: string): number | undefined {
    const { expression } = this;
    expression.lastIndex = 0;
    if (expression.test(text)) return 0;
    LINE_END.lastIndex = 0;
    while (LINE_END.test(text)) {
      const start = LINE_END.lastIndex;
      expression.lastIndex = start;
      if (expression.test(text)) return start;
    }
    return undefined;
  }
}

/**
 * Matches a line that has taken too long already: in linear time where the pattern allows that, else until the time is over. What
 * is not decided by then is answered so that no line is lost and nothing is sent that was to be taken out: a test
 * gets `undecided`, a replacement throws.
 */
export class CarefulMatcher implements Matcher {
  private readonly direct: Matcher;
  readonly source: string;

  constructor(
    private readonly pattern: LinePattern,
    private readonly isPlain: boolean,
    private readonly undecided: boolean,
    private readonly budget: () => MatchBudget,
  ) {
    const { linear, source, unicode } = pattern;
    this.source = source;
    this.direct = new DirectMatcher(source, isPlain ? (linear ?? unicode) : unicode);
  }

  test(text: string): boolean {
    let found = this.undecided;
    if (!this.run(() => (found = this.direct.test(text)))) this.budget().giveUp(this.source);
    return found;
  }

  expand(text: string, output: string): string | undefined {
    let expanded = undefined as string | undefined;
    if (!this.run(() => (expanded = this.direct.expand(text, output)))) this.fail();
    return expanded;
  }

  replaceAll(text: string, replacement: string): string {
    let replaced = text;
    if (!this.run(() => (replaced = this.direct.replaceAll(text, replacement)))) this.fail();
    return replaced;
  }

  /** Linear time is long for a long line, and to replace every match takes as many times as there are matches. */
  private run(action: () => void): boolean {
    const isLinear = this.isPlain && this.pattern.linear !== undefined;
    return isLinear ? this.budget().runLinear(action) : this.budget().run(action);
  }

  private fail(): never {
    throw new UnfinishedLineError(this.source);
  }
}
