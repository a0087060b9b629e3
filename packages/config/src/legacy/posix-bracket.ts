/** `[...]` of a POSIX expression in the "C" locale, as it stands in a JavaScript expression. */

export interface Bracket {
  /** JavaScript source of the same set. */
  readonly source: string;
  /** Offset behind the closing bracket. */
  readonly end: number;
}

export interface BracketFault {
  readonly offset: number;
  readonly fault: string;
}

/** What the classes of the "C" locale hold, written for the inside of a JavaScript set. */
const CLASSES: ReadonlyMap<string, string> = new Map([
  ['alpha', 'A-Za-z'],
  ['digit', '0-9'],
  ['alnum', '0-9A-Za-z'],
  ['upper', 'A-Z'],
  ['lower', 'a-z'],
  ['space', '\\t-\\r '],
  ['blank', '\\t '],
  ['punct', '!-\\/:-@\\[-`\\{-~'],
  ['print', ' -~'],
  ['graph', '!-~'],
  ['cntrl', '\\x00-\\x1f\\x7f'],
  ['xdigit', '0-9A-Fa-f'],
]);

/** One element: a character, or a class, which can be no end of a range. */
type Element =
  | { readonly kind: 'character'; readonly character: string; readonly end: number; readonly isDash: boolean }
  | { readonly kind: 'class'; readonly source: string; readonly end: number };

/** Reads the set that opens at `start`. */
export function translateBracket(pattern: string, start: number): Bracket | BracketFault {
  let index = start + 1;
  const negated = pattern[index] === '^';
  if (negated) index++;
  let source = '';
  let isFirst = true;
  for (;;) {
    if (pattern[index] === ']' && !isFirst)
      return { source: `[${negated ? '^' : ''}${source}]`, end: index + 1 };
    const element = readElement(pattern, index);
    if ('fault' in element) return element;
    if (element.kind === 'character' && element.isDash && !isFirst && pattern[element.end] !== ']') {
      return {
        offset: index,
        fault: 'a - in a set stands at its beginning or its end, or between two characters',
      };
    }
    isFirst = false;
    if (pattern[element.end] !== '-' || pattern[element.end + 1] === ']') {
      source += element.kind === 'class' ? element.source : escapeInSet(element.character);
      index = element.end;
      continue;
    }
    const last = readElement(pattern, element.end + 1);
    if ('fault' in last) return last;
    if (element.kind === 'class' || last.kind === 'class') {
      return { offset: index, fault: 'a class cannot be an end of a range' };
    }
    if ((element.character.codePointAt(0) ?? 0) > (last.character.codePointAt(0) ?? 0)) {
      return { offset: index, fault: `the range ${element.character}-${last.character} goes backwards` };
    }
    source += `${escapeInSet(element.character)}-${escapeInSet(last.character)}`;
    index = last.end;
  }
}

function readElement(pattern: string, index: number): Element | BracketFault {
  const character = pattern.slice(index, index + 1) === '' ? undefined : codePointAt(pattern, index);
  if (character === undefined) return { offset: index, fault: 'a [ without its ]' };
  const kind = pattern[index + 1];
  if (character !== '[' || (kind !== ':' && kind !== '.' && kind !== '=')) {
    return { kind: 'character', character, end: index + character.length, isDash: character === '-' };
  }
  const close = pattern.indexOf(`${kind}]`, index + 2);
  if (close === -1) return { offset: index, fault: `[${kind} without its ${kind}]` };
  const name = pattern.slice(index + 2, close);
  const end = close + 2;
  if (kind === ':') {
    const source = CLASSES.get(name);
    if (source !== undefined) return { kind: 'class', source, end };
    return { offset: index, fault: `[:${name}:] is no class; known are ${[...CLASSES.keys()].join(' ')}` };
  }
  if (!/^.$/su.test(name)) {
    return {
      offset: index,
      fault: `[${kind}${name}${kind}] is no single character, and nothing else collates in the "C" locale`,
    };
  }
  return { kind: 'character', character: name, end, isDash: false };
}

function codePointAt(text: string, index: number): string {
  return String.fromCodePoint(text.codePointAt(index) ?? 0);
}

function escapeInSet(character: string): string {
  return /[\\\]^[-]/.test(character) ? `\\${character}` : character;
}
