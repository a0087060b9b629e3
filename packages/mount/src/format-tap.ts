import type { TapLine, TappedRecord } from './tap-record.js';

/** What would move a terminal's cursor, or the order of what is read; a tab does no harm. */
const UNSHOWN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** One line of text for a terminal, without its newline. */
export function formatTapLine(line: TapLine): string {
  return 'record' in line ? formatRecord(line.record) : `-- ${line.leftOut} more records were not shown`;
}

function formatRecord({ atMs, path, pid, uid, isBinary, bytes, text }: TappedRecord): string {
  const time = new Date(atMs);
  const clock = `${time.toTimeString().slice(0, 8)}.${String(time.getMilliseconds()).padStart(3, '0')}`;
  const kind = isBinary ? `binary, ${bytes} bytes: ` : '';
  const shown = visible(text);
  const cut = Buffer.byteLength(text) < bytes ? ` … (${bytes} bytes)` : '';
  return `${clock} ${visible(path)} pid=${pid} uid=${uid}  ${kind}${shown}${cut}`;
}

function visible(text: string): string {
  return text.replace(UNSHOWN, (character) => {
    if (character === '\t') return character;
    const point = character.codePointAt(0) ?? 0;
    return point < 0x100 ? `\\x${point.toString(16).padStart(2, '0')}` : `\\u{${point.toString(16)}}`;
  });
}
