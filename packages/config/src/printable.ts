/** Longest text from the network that is shown in one place. */
const SHOWN_LENGTH_MAX = 512;

/**
 * Makes text from the network safe for a log line and a terminal: control characters, line separators, marks that
 * change the direction of writing and the backslash itself are shown as escapes, long text is cut.
 */
export function printable(text: string): string {
  const shown = text.length > SHOWN_LENGTH_MAX ? `${text.slice(0, SHOWN_LENGTH_MAX)}…` : text;
  return shown.replace(/[\p{C}\p{Zl}\p{Zp}\\]/gu, (character) => {
    if (character === '\\') return '\\\\';
    const point = character.codePointAt(0) ?? 0;
    return point < 0x100 ? `\\x${point.toString(16).padStart(2, '0')}` : `\\u{${point.toString(16)}}`;
  });
}

/** The same for a file name that is held as a string of bytes: shown as UTF-8 where it is UTF-8. */
export function printableName(name: string): string {
  const bytes = Buffer.from(name, 'latin1');
  const text = bytes.toString('utf8');
  return printable(Buffer.from(text, 'utf8').equals(bytes) ? text : name);
}
