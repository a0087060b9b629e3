/**
 * The right side of `key = value` in INI.
 *
 * A list is comma-separated. A part that begins with a double quote ends at the next one and may hold commas,
 * blanks and comment signs; a double quote inside it is written twice. A backslash is an ordinary character,
 * because regular expressions are full of them. A quote in the middle of an unquoted part is ordinary too.
 */

export interface Part {
  /** Offset of the part in the value. */
  readonly offset: number;
  readonly text: string;
}

/** Why a value cannot be read, and where in it. */
export interface ValueFault {
  readonly offset: number;
  readonly message: string;
}

const QUOTED = /"(?:[^"]|"")*"(?!")/y;

/**
 * Where the value that begins at `from` ends in `line`: a `#` or `;` after a blank begins a comment, except
 * inside quotes. Inside `{...}`, which is read as YAML, a quote may open anywhere.
 */
export function findValueEnd(line: string, from: number): number {
  const braces = line[from] === '{';
  let mayOpen = true;
  let index = from;
  while (index < line.length) {
    const character = line[index] ?? '';
    if (character === '"' && (mayOpen || braces)) {
      const end = quotedEnd(line, index);
      // A quote that never ends is reported when the value is read; until then it keeps the rest of the line.
      if (end === undefined) return line.length;
      index = end;
      mayOpen = false;
      continue;
    }
    if ((character === '#' || character === ';') && /\s/.test(line[index - 1] ?? '')) return index;
    mayOpen = character === ',' || (mayOpen && /\s/.test(character));
    index++;
  }
  return line.length;
}

/** A value that stands for one text: without its quotes, if it has them. */
export function readSingle(value: string): string | ValueFault {
  if (!value.startsWith('"')) return value;
  const end = quotedEnd(value, 0);
  if (end === undefined) return missingQuote(0);
  if (end < value.length) return { offset: end, message: 'expected nothing after the closing double quote' };
  return unquote(value);
}

/** A value that stands for a list. The empty value is the empty list. */
export function splitList(value: string): readonly Part[] | ValueFault {
  const parts: Part[] = [];
  if (value.trim() === '') return parts;
  let index = 0;
  for (;;) {
    while (/\s/.test(value[index] ?? '')) index++;
    const quoted = value[index] === '"';
    const end = quoted ? quotedEnd(value, index) : commaFrom(value, index);
    if (end === undefined) return missingQuote(index);
    const text = quoted ? unquote(value.slice(index, end)) : value.slice(index, end).trimEnd();
    if (text === '' && !quoted)
      return { offset: index, message: 'expected a value beside the comma; an empty one is written ""' };
    parts.push({ offset: index, text });
    index = end;
    while (/\s/.test(value[index] ?? '')) index++;
    if (index >= value.length) return parts;
    if (value[index] !== ',') {
      return {
        offset: index,
        message: 'expected a comma after the closing double quote (inside quotes, a quote is written twice)',
      };
    }
    index++;
  }
}

function quotedEnd(text: string, from: number): number | undefined {
  QUOTED.lastIndex = from;
  const quoted = QUOTED.exec(text);
  return quoted === null ? undefined : from + quoted[0].length;
}

function commaFrom(text: string, from: number): number {
  const comma = text.indexOf(',', from);
  return comma === -1 ? text.length : comma;
}

function unquote(quoted: string): string {
  return quoted.slice(1, -1).replaceAll('""', '"');
}

function missingQuote(offset: number): ValueFault {
  return { offset, message: 'the closing double quote is missing' };
}
