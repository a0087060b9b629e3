import { isUtf8 } from 'node:buffer';
import type { FilterSettings } from '../src/line-filter.js';

const NEWLINE = 0x0a;

/**
 * What a rule makes of a line without its newline, said as plainly as its documentation says it; undefined: the line is
 * dropped. A line that is not UTF-8 is one character for each byte, and so is what is put into it.
 */
export function filterLineByHand(settings: FilterSettings, line: Buffer): Buffer | undefined {
  const encoding = isUtf8(line) ? 'utf8' : 'latin1';
  const encoded = (text: string) =>
    encoding === 'utf8' ? text : Buffer.from(text, 'utf8').toString('latin1');
  const kept = selectByHand(settings, line.toString(encoding), encoded);
  if (kept === undefined) return undefined;
  let text = kept;
  for (const [pattern, replacement] of settings.rewrite) {
    text = text.replace(new RegExp(pattern, 'gu'), encoded(replacement));
  }
  return Buffer.from(text, encoding);
}

/** The lines of some bytes, each with its newline; the last may lack it. */
export function linesByHand(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const newline = bytes.indexOf('\n', at);
    const end = newline < 0 ? bytes.length : newline + 1;
    lines.push(bytes.subarray(at, end));
    at = end;
  }
  return lines;
}

/** Whole lines, and one without its newline at the end. */
export function filterByHand(settings: FilterSettings, bytes: Buffer): Buffer {
  const kept: Buffer[] = [];
  for (const whole of linesByHand(bytes)) {
    const newlineBytes = whole.at(-1) === NEWLINE ? 1 : 0;
    const line = filterLineByHand(settings, whole.subarray(0, whole.length - newlineBytes));
    if (line !== undefined) kept.push(line, whole.subarray(whole.length - newlineBytes));
  }
  return Buffer.concat(kept);
}

function selectByHand(
  settings: FilterSettings,
  text: string,
  encoded: (text: string) => string,
): string | undefined {
  const matches = (pattern: string) => new RegExp(pattern, 'u').test(text);
  if (settings.deny.some(matches)) return undefined;
  for (const { pattern, output } of settings.select) {
    const match = new RegExp(pattern, 'u').exec(text);
    if (match === null) continue;
    if (output === undefined) return text;
    const before = text.slice(0, match.index);
    const after = text.slice(match.index + match[0].length);
    const replaced = text.replace(new RegExp(pattern, 'u'), encoded(output));
    return replaced.slice(before.length, replaced.length - after.length);
  }
  return settings.allow.some(matches) || settings.default === 'allow' ? text : undefined;
}
