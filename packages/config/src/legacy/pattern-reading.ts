import type { LegacyEntry } from './document.js';
import { readQuoted } from './ini-quoting.js';

/**
 * How the text of an ALLOW or DENY is meant. K2HFTFUSE's documentation writes regular expressions in double quotes,
 * but its INI reader takes the quotes away before it looks for them, and its other readers never see any. This one
 * does what is documented, except where that would change what a plain text does today:
 *
 *     INFO    'a.*b'             a text; a line that holds it stays whole
 *     "INFO"                     the same: nothing in it is special in a regular expression
 *     "(.*)ERR"                  a regular expression; its match is what is left of the line
 *     "(.*)ERR", "$1"            a regular expression and what the line becomes
 *     '"(.*)ERR"'   \"ERR\"      a regular expression, for K2HFTFUSE as well; likewise with a replacement
 *     nothing                    every line
 *
 * PATTERNS = LITERAL takes all of them as K2HFTFUSE does: only the last but one kind is a regular expression.
 */
export type PatternMode = 'documented' | 'literal';

export type PatternReading =
  | { readonly kind: 'all' }
  | { readonly kind: 'text'; readonly text: string; readonly why: string }
  | {
      readonly kind: 'expression';
      readonly pattern: string;
      /** undefined: what the expression matches. */
      readonly replacement: string | undefined;
      readonly why: string;
    }
  | { readonly kind: 'fault'; readonly fault: string };

/** What a regular expression gives a meaning; `]` and `}` alone have none. */
const SPECIAL = /[\\^$.[|()*+?{]/;

/** Whether a text looks as if it was meant as a regular expression. */
export function looksLikeExpression(text: string): boolean {
  return SPECIAL.test(text);
}

export function readPattern({ value, second }: LegacyEntry, mode: PatternMode): PatternReading {
  if (second !== undefined) return readPairOfTexts(value.text, second.text, mode);
  const { text, written, quoted } = value;
  if (text === '') return { kind: 'all' };
  // What still has quotes when its dialect's own are gone is meant as K2HFTFUSE's expressions are.
  if (text.startsWith('"')) return readQuotedExpression(text);
  if (mode === 'literal') return { kind: 'text', text, why: 'as PATTERNS = LITERAL says' };
  if (written?.startsWith('"') === true) return readWrittenQuotes(written, text);
  if (quoted) return readQuotedText(text);
  return { kind: 'text', text, why: 'not in double quotes' };
}

/** `"expression"` or `"expression", "replacement"`: cut at commas that follow a quote. */
function readQuotedExpression(text: string): PatternReading {
  const [first = '', second = '', third] = text.split(/(?<=")[ \t]*,[ \t]*/);
  const pattern = insideQuotes(first);
  const replacement = insideQuotes(second);
  if (pattern === undefined || third !== undefined || (second !== '' && replacement === undefined)) {
    return { kind: 'fault', fault: `expected "EXPRESSION" or "EXPRESSION", "REPLACEMENT", found ${text}` };
  }
  return { kind: 'expression', pattern, replacement, why: 'its quotes are part of the value' };
}

function insideQuotes(part: string): string | undefined {
  return /^"(.*)"$/s.exec(part)?.[1];
}

/** INI: `"TEXT"` or `"EXPRESSION", "REPLACEMENT"`, as it stands in the file. */
function readWrittenQuotes(written: string, text: string): PatternReading {
  const first = readQuoted(written, 0);
  if (first === undefined) return { kind: 'fault', fault: 'the closing double quote is missing' };
  const rest = /^[ \t]*(?:(,)[ \t]*(.*))?$/.exec(withoutComment(written.slice(first.end)));
  // Quotes that hold only a part of the text: what stands around them belongs to it.
  if (rest === null) return { kind: 'text', text, why: 'only a part of it is in double quotes' };
  const [, comma, behind = ''] = rest;
  if (comma === undefined || behind === '') return readQuotedText(first.text);
  const replacement = behind.startsWith('"') ? readQuoted(behind, 0) : undefined;
  if (replacement?.end !== behind.length) {
    return {
      kind: 'fault',
      fault: `expected one replacement in double quotes behind the comma, found ${behind}`,
    };
  }
  return { kind: 'expression', pattern: first.text, replacement: replacement.text, why: 'a quoted pair' };
}

function withoutComment(rest: string): string {
  let index = 0;
  while (index < rest.length) {
    if (rest[index] === '"') index = readQuoted(rest, index)?.end ?? rest.length;
    else if (rest[index] === '#' && /[ \t]/.test(rest[index - 1] ?? ' ')) break;
    else index++;
  }
  return rest.slice(0, index).trimEnd();
}

function readQuotedText(text: string): PatternReading {
  if (text === '') return { kind: 'all' };
  if (!looksLikeExpression(text))
    return { kind: 'text', text, why: 'nothing in it is special in a regular expression' };
  return {
    kind: 'expression',
    pattern: text,
    replacement: undefined,
    why: 'in quotes, with characters of a regular expression',
  };
}

/** YAML and JSON: a list of two texts; K2HFTFUSE looks for quotes inside them. */
function readPairOfTexts(first: string, second: string, mode: PatternMode): PatternReading {
  const pattern = insideQuotes(first);
  const replacement = insideQuotes(second);
  if (mode === 'literal' && pattern === undefined) {
    return first === '' ? { kind: 'all' } : { kind: 'text', text: first, why: 'as PATTERNS = LITERAL says' };
  }
  return {
    kind: 'expression',
    pattern: pattern ?? first,
    replacement: replacement ?? second,
    why: 'a pair of a pattern and its replacement',
  };
}
