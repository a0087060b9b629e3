/**
 * The quotes, backslashes and comments of a key or a value in K2HFTFUSE's INI:
 *
 *     outside of quotes   \c is c; # after white space begins a comment; ' and " open a quoted part anywhere
 *     inside '...'        everything stands for itself
 *     inside "..."        \" is ", \\ is \, any other \c stays two characters
 *
 * Parts stand together as one text, whose ends are trimmed afterwards. A quote that is not closed and a lone
 * backslash at the end make the text void.
 */
export function unquote(written: string): string | undefined {
  let text = '';
  let index = 0;
  let afterBlank = true;
  while (index < written.length) {
    const character = written.charAt(index);
    if (character === '#' && afterBlank) break;
    afterBlank = false;
    if (character === "'" || character === '"') {
      const part = readQuoted(written, index);
      if (part === undefined) return undefined;
      text += part.text;
      index = part.end;
    } else if (character === '\\') {
      if (index + 1 === written.length) return undefined;
      text += written.charAt(index + 1);
      index += 2;
    } else {
      afterBlank = BLANK.test(character);
      text += character;
      index++;
    }
  }
  return trimBlanks(text);
}

const BLANK = /[ \t\r\n]/;

export function trimBlanks(text: string): string {
  return text.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, '');
}

export interface QuotedPart {
  readonly text: string;
  /** Offset behind the closing quote. */
  readonly end: number;
}

/** The quoted part that begins at `start`; undefined when it does not end. */
export function readQuoted(written: string, start: number): QuotedPart | undefined {
  const quote = written.charAt(start);
  let text = '';
  let index = start + 1;
  while (index < written.length) {
    const character = written.charAt(index);
    if (character === quote) return { text, end: index + 1 };
    const next = written.charAt(index + 1);
    if (quote === '"' && character === '\\' && (next === '"' || next === '\\')) {
      text += next;
      index += 2;
    } else {
      text += character;
      index++;
    }
  }
  return undefined;
}
