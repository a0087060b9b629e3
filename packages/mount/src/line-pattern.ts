import { setFlagsFromString } from 'node:v8';

/*
 * Patterns run on V8's compiled, backtracking engine: no other comes within a tenth of its speed. V8 has a second
 * engine whose time grows with the line's length only, for patterns without lookaround, backreferences and
 * large counts. A pattern that takes too long is given to it: by V8 itself after 50 000 steps back (which this
 * switch allows, but V8 does not count every step), and by us when the time is over.
 */
setFlagsFromString('--enable-experimental-regexp-engine-on-excessive-backtracks');

/**
 * What means something else, or nothing, without the u flag: code points above U+FFFF, property classes, modifiers.
 * Backreferences need no mention, as the linear engine refuses them.
 */
const NEEDS_UNICODE = /\\u\{|\\[pP]\{|\\u[dD][89a-fA-F]|[\ud800-\udfff]|\(\?[a-z]*-?[a-z]+:/;

/**
 * Steps that a line may cost without a watch on the time: some 0.2 ms. A repetition of one character or class, tried
 * from each position, costs the square of the line's length; each further one multiplies it by that length.
 */
const UNWATCHED_STEPS_MAX = 250_000;

/** A regular expression of a rule (JavaScript, u flag), in the forms that lines of text are matched with. */
export class LinePattern {
  /** For every text. */
  readonly unicode: RegExp;
  /** For text without code points above U+FFFF: the same result. The u form where there is no other. */
  readonly plain: RegExp;
  /** For the same text, in linear time at a fiftieth of the speed; undefined where the pattern does not allow it. */
  readonly linear: RegExp | undefined;
  /**
   * For a pattern that begins with `.*`, such as `(.*)ERROR(.*)`: its first match in a line begins at the line's start, or
   * behind a carriage return or another line end of JavaScript, since `.*` reaches from there to wherever it would
   * begin else. V8 tries every place; these, with the y flag, are tried at those places only.
   */
  readonly leading: { readonly plain: RegExp; readonly unicode: RegExp } | undefined;
  /** Lines of up to so many characters may be matched with `plain` without a watch on the time. */
  readonly unwatchedLengthMax: number;

  /** Throws SyntaxError. With `global`, the expressions are for replacing every match. */
  constructor(
    readonly source: string,
    global: boolean,
  ) {
    const flags = global ? 'g' : '';
    this.unicode = new RegExp(source, `u${flags}`);
    this.linear = NEEDS_UNICODE.test(source) ? undefined : compileLinear(source, flags);
    this.plain = this.linear === undefined ? this.unicode : new RegExp(source, flags);
    const bare = bareOf(source);
    if (!global && beginsAnywhere(bare)) {
      const unicode = new RegExp(source, 'uy');
      this.leading = { unicode, plain: this.linear === undefined ? unicode : new RegExp(source, 'y') };
    }
    this.unwatchedLengthMax =
      this.linear === undefined ? 0 : unwatchedLengthMax(bare, this.leading !== undefined);
  }
}

/** Undefined: the pattern cannot be matched in linear time. The flag `l` exists only while the switch is on. */
function compileLinear(source: string, flags: string): RegExp | undefined {
  setFlagsFromString('--enable-experimental-regexp-engine');
  try {
    return new RegExp(source, `l${flags}`);
  } catch {
    return undefined;
  } finally {
    setFlagsFromString('--no-enable-experimental-regexp-engine');
  }
}

/** The pattern with an x for each escape and each class: what is left of special characters is special. */
function bareOf(source: string): string {
  return source.replace(/\\./gsu, 'x').replace(/\[[^\]]*\]/gu, 'x');
}

function beginsAnywhere(bare: string): boolean {
  return /^(?:\.\*\??|\(\.\*\??\))(?![*+?{])/.test(bare) && !hasAlternatives(bare);
}

/** Outside of groups. */
function hasAlternatives(bare: string): boolean {
  let depth = 0;
  for (const character of bare) {
    if (character === '(') depth++;
    else if (character === ')') depth--;
    else if (character === '|' && depth === 0) return true;
  }
  return false;
}

function unwatchedLengthMax(bare: string, isLeading: boolean): number {
  // A repeated group may cost anything, and so may a chain of things that may be there or not.
  if (/\)[*+?{]/.test(bare) || (bare.match(/[^(*+?}]\?/g)?.length ?? 0) > 3) return 0;
  const repetitions = bare.match(/[*+{]/g)?.length ?? 0;
  const loops = repetitions + (isLeading ? 0 : 1);
  return repetitions === 0 ? Infinity : Math.floor(UNWATCHED_STEPS_MAX ** (1 / loops));
}
