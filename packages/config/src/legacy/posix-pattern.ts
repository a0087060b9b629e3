import { translateBracket } from './posix-bracket.js';

/**
 * POSIX extended regular expressions, as glibc reads them in the "C" locale, translated to JavaScript's with the u
 * flag. What differs is rewritten (`.` takes a carriage return, `a+?` is no lazy plus, `\w` knows ASCII only, `\<` is
 * no escape), what glibc refuses is refused, and what JavaScript answers differently is remarked upon.
 */
export interface TranslatedPattern {
  readonly source: string;
  /** Number of groups. */
  readonly groups: number;
  /** What is not quite the same, as whole clauses. */
  readonly remarks: readonly string[];
}

export interface PatternFault {
  /** Offset in the pattern. */
  readonly offset: number;
  readonly fault: string;
}

/** RE_DUP_MAX of glibc. */
const REPEAT_MAX = 0x7fff;

/** Deeper nesting is no expression that somebody has written. */
const DEPTH_MAX = 100;

const REMARK_ALTERNATIVES =
  'it has alternatives: where several match, POSIX takes the longest, and this takes the first';
const REMARK_UNSET_GROUP =
  'it refers back to a group that may be left out: then POSIX matches nothing, and this matches an empty text';

const ANCHORS: Readonly<Record<string, string>> = {
  '<': '\\b(?=\\w)',
  '>': '\\b(?<=\\w)',
  b: '\\b',
  B: '\\B',
  '`': '^',
  "'": '$',
};

const GNU_CLASSES: Readonly<Record<string, string>> = {
  w: '\\w',
  W: '\\W',
  s: '[\\t-\\r ]',
  S: '[^\\t-\\r ]',
};

export function translatePosix(pattern: string): TranslatedPattern | PatternFault {
  const translator = new Translator(pattern);
  try {
    return translator.run();
  } catch (error) {
    if (error instanceof Fault) return { offset: error.offset, fault: error.message };
    throw error;
  }
}

/** A text that matches itself. */
export function escapeLiteral(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

class Fault extends Error {
  constructor(
    readonly offset: number,
    message: string,
  ) {
    super(message);
  }
}

/** Groups that are complete where the reading stands; one that may be left out is false. */
type Groups = Map<number, boolean>;

class Translator {
  private readonly remarks = new Set<string>();
  private index = 0;
  private groupCount = 0;
  private depth = 0;

  constructor(private readonly pattern: string) {}

  run(): TranslatedPattern {
    const source = this.alternatives(new Map());
    return { source, groups: this.groupCount, remarks: [...this.remarks] };
  }

  private alternatives(groups: Groups): string {
    const before = new Map(groups);
    const branches: { source: string; first: string | undefined; groups: Groups }[] = [];
    do {
      if (branches.length > 0) this.index++;
      // A branch cannot refer to groups of its neighbours.
      const own = new Map(before);
      const first = this.firstLiteral();
      branches.push({ source: this.branch(own), first, groups: own });
    } while (this.peek() === '|');
    const isChoice = branches.length > 1;
    for (const { groups: own } of branches) merge(groups, own, !isChoice);
    const firsts = branches.map(({ first }) => first);
    if (isChoice && (firsts.includes(undefined) || new Set(firsts).size < firsts.length)) {
      this.remarks.add(REMARK_ALTERNATIVES);
    }
    return branches.map(({ source }) => source).join('|');
  }

  /** The character that a branch begins with, if it is a plain one that stays: of different ones, only one can match. */
  private firstLiteral(): string | undefined {
    const [, character, next = ''] =
      /^([^\\^$.*+?()[\]{}|])(.?)/su.exec(this.pattern.slice(this.index)) ?? [];
    return /[*+?{]/.test(next) ? undefined : character;
  }

  private branch(groups: Groups): string {
    let source = '';
    for (;;) {
      const character = this.peek();
      if (character === undefined || character === '|') return source;
      if (character === ')' && this.depth > 0) return source;
      source += this.repeated(groups);
    }
  }

  private repeated(groups: Groups): string {
    const start = this.index;
    const inner: Groups = new Map(groups);
    let source = this.atom(inner);
    if (source.isAnchor) {
      merge(groups, inner, true);
      return source.text;
    }
    let mayBeLeftOut = false;
    let times = 0;
    for (;;) {
      const quantifier = this.quantifier();
      if (quantifier === undefined) break;
      if (quantifier.min === 0) mayBeLeftOut = true;
      const text = times++ === 0 ? source.text : `(?:${source.text})`;
      source = { text: text + quantifier.text, isAnchor: false };
    }
    merge(groups, inner, !mayBeLeftOut);
    // A digit behind a reference would become part of its number.
    const isReference = /^\\\d$/.test(source.text) && this.index - start === 2;
    return isReference && /\d/.test(this.peek() ?? '') ? `(?:${source.text})` : source.text;
  }

  private atom(groups: Groups): { text: string; isAnchor: boolean } {
    const start = this.index;
    const character = String.fromCodePoint(this.pattern.codePointAt(start) ?? 0);
    this.index += character.length;
    switch (character) {
      case '^':
      case '$':
        return { text: character, isAnchor: true };
      case '.':
        return { text: '[^\\n]', isAnchor: false };
      case '(':
        return { text: this.group(start, groups), isAnchor: false };
      case '[':
        return { text: this.bracket(start), isAnchor: false };
      case '\\':
        return this.escape(start, groups);
      case '*':
      case '+':
      case '?':
      case '{':
        throw new Fault(
          start,
          `nothing stands in front of ${character} that could be repeated; a literal one is written \\${character}`,
        );
      default:
        return { text: escapeLiteral(character), isAnchor: false };
    }
  }

  private group(start: number, groups: Groups): string {
    const number = ++this.groupCount;
    if (++this.depth > DEPTH_MAX) throw new Fault(start, `more than ${DEPTH_MAX} groups inside one another`);
    const source = this.alternatives(groups);
    this.depth--;
    if (this.peek() !== ')') throw new Fault(start, 'a ( without its )');
    this.index++;
    groups.set(number, true);
    return `(${source})`;
  }

  private bracket(start: number): string {
    const bracket = translateBracket(this.pattern, start);
    if ('fault' in bracket) throw new Fault(bracket.offset, bracket.fault);
    this.index = bracket.end;
    return bracket.source;
  }

  private escape(start: number, groups: Groups): { text: string; isAnchor: boolean } {
    const point = this.pattern.codePointAt(this.index);
    if (point === undefined) throw new Fault(start, 'nothing follows the last backslash');
    const character = String.fromCodePoint(point);
    this.index += character.length;
    const anchor = Object.hasOwn(ANCHORS, character) ? ANCHORS[character] : undefined;
    if (anchor !== undefined) return { text: anchor, isAnchor: true };
    if (/[1-9]/.test(character)) {
      const always = groups.get(Number(character));
      if (always === undefined)
        throw new Fault(start, `there is no complete group ${character} in front of \\${character}`);
      if (!always) this.remarks.add(REMARK_UNSET_GROUP);
      return { text: `\\${character}`, isAnchor: false };
    }
    const set = Object.hasOwn(GNU_CLASSES, character) ? GNU_CLASSES[character] : undefined;
    return { text: set ?? escapeLiteral(character), isAnchor: false };
  }

  private quantifier(): { text: string; min: number } | undefined {
    const character = this.peek();
    if (character === '*' || character === '+' || character === '?') {
      this.index++;
      return { text: character, min: character === '+' ? 1 : 0 };
    }
    return character === '{' ? this.interval() : undefined;
  }

  private interval(): { text: string; min: number } {
    const start = this.index;
    const [whole, from, comma, to] = /^\{(\d*)(,?)(\d*)\}/.exec(this.pattern.slice(start)) ?? [];
    if (whole === undefined || (from === '' && comma === ''))
      throw new Fault(start, 'expected {3}, {3,}, {,5} or {3,5}; a literal { is written \\{');
    this.index += whole.length;
    const min = Number(from);
    const max = to === '' ? min : Number(to);
    if (max < min || max > REPEAT_MAX) {
      throw new Fault(start, `${whole} goes backwards or beyond ${REPEAT_MAX}`);
    }
    return { text: comma === '' ? `{${min}}` : `{${min},${to ?? ''}}`, min };
  }

  private peek(): string | undefined {
    return this.pattern[this.index];
  }
}

function merge(groups: Groups, inner: Groups, always: boolean): void {
  for (const [group, inside] of inner) {
    if (!groups.has(group)) groups.set(group, inside && always);
  }
}
