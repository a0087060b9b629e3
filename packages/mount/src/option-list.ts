/** One option of a list: `name` or `name=value`. */
export interface ListedOption {
  /** As it was written. */
  readonly name: string;
  readonly value: string | undefined;
}

/**
 * Splits what follows `-o` at its commas. As in libfuse, a backslash takes the next character as it stands, or stands
 * with three octal digits for a byte; so a comma of a JSON text is written `\,`, and its backslash `\\`.
 */
export function splitOptionList(list: string): ListedOption[] {
  const parts = [''];
  const escape = /\\([0-3][0-7]{2})|\\(.)|(,)|([^\\,]+|\\$)/gs;
  for (const [, octal, escaped, comma, plain] of list.matchAll(escape)) {
    if (comma === undefined) {
      const text = octal === undefined ? (escaped ?? plain ?? '') : String.fromCharCode(parseInt(octal, 8));
      parts.push((parts.pop() ?? '') + text);
    } else parts.push('');
  }
  return parts.filter((part) => part !== '').map(splitAtEquals);
}

function splitAtEquals(part: string): ListedOption {
  const at = part.indexOf('=');
  return at < 0 ? { name: part, value: undefined } : { name: part.slice(0, at), value: part.slice(at + 1) };
}

/** Writes a value so that {@link splitOptionList} gives it back. */
export function escapeOption(text: string): string {
  return text.replace(/[\\,]/g, '\\$&');
}
