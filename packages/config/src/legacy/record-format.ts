/** FORMAT and FILE_TIMEFORM of K2HFTFUSESVR, translated to `format` and `time_format`. */

/** What is behind a backslash, as in C. */
const C_ESCAPES: Readonly<Record<string, number>> = {
  a: 0x07,
  b: 0x08,
  f: 0x0c,
  n: 0x0a,
  r: 0x0d,
  t: 0x09,
  '\\': 0x5c,
  '"': 0x22,
  "'": 0x27,
  '?': 0x3f,
};

/** The line without blanks, tabs, carriage returns and newlines at both ends. */
const TRIMMED_LINE = '%{trimmed}';

const FIELDS: Readonly<Record<string, string>> = {
  H: '%H',
  h: '%H',
  P: '%P',
  p: '%P',
  F: '%F',
  f: '%f',
  L: '%L',
  l: TRIMMED_LINE,
  '%': '%%',
};

/**
 * Every `%-` is the nanoseconds, whatever follows it; in front of a letter, a width or another flag ours would be a flag.
 * The second sign of `%%` begins nothing.
 */
export function translateTimeFormat(format: string): string {
  return format.replace(/%%|%-(?=[\w^#+-])/g, (found) => (found === '%%' ? found : '%N'));
}

/** A leading double quote that is still there goes, and the last one with what follows it. */
export function withoutOuterQuotes(text: string): string {
  if (!text.startsWith('"')) return text;
  const inner = text.slice(1);
  const last = inner.lastIndexOf('"');
  return last === -1 ? inner : inner.slice(0, last);
}

/**
 * @param timed whether FILE_TIMEFORM is given: without it, the time is an empty text
 */
export function translateFormat(format: string, timed: boolean): string {
  let translated = '';
  let index = 0;
  while (index < format.length) {
    const character = String.fromCodePoint(format.codePointAt(index) ?? 0);
    index += character.length;
    if (character === '%') {
      const next = String.fromCodePoint(format.codePointAt(index) ?? 0);
      if (index < format.length) translated += fieldOf(next, timed);
      index += next.length;
    } else if (character === '\\') {
      const escape = readEscape(format.slice(index));
      if (escape === undefined) break;
      translated += escape.text;
      index += escape.length;
    } else {
      translated += character;
    }
  }
  return translated;
}

function fieldOf(name: string, timed: boolean): string {
  if (name === 'T' || name === 't') return timed ? '%T' : '';
  const field = Object.hasOwn(FIELDS, name) ? FIELDS[name] : undefined;
  return field ?? literal(name);
}

/** What follows a backslash; undefined where the format ends. */
function readEscape(rest: string): { text: string; length: number } | undefined {
  const next = rest.charAt(0);
  if (next === '' || next === '0') return undefined;
  const [hex = '', digits = ''] = /^x([0-9A-Fa-f]{1,2})/.exec(rest) ?? [];
  if (hex !== '') {
    // A NUL ends the format, as it ends every text there.
    return parseInt(digits, 16) === 0 ? undefined : { text: byte(parseInt(digits, 16)), length: hex.length };
  }
  if (next === 'x') return { text: '', length: Math.min(2, rest.length) };
  if (/[1-8]/.test(next)) return { text: byte(Number(next)), length: 1 };
  const code = Object.hasOwn(C_ESCAPES, next) ? C_ESCAPES[next] : undefined;
  return { text: code === undefined ? '' : byte(code), length: 1 };
}

function byte(code: number): string {
  if (code === 0x0a) return '\\n';
  if (code === 0x09) return '\\t';
  if (code >= 0x20 && code < 0x7f) return literal(String.fromCharCode(code));
  return `\\x${code.toString(16).padStart(2, '0')}`;
}

function literal(character: string): string {
  if (character === '\\') return '\\\\';
  return character === '%' ? '%%' : character;
}
