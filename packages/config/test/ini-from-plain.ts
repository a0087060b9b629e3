import { isPlainList, type Plain } from '../src/tree.js';

/**
 * Settings as INI, to compare the dialects. A text that INI could not carry (a line break) comes from the
 * generators nowhere.
 */
export function iniFromPlain(plain: Plain): string {
  const head: string[] = [];
  const sections: string[] = [];
  for (const [key, value] of Object.entries(plain as Record<string, Plain>)) {
    if (typeof value === 'string') {
      head.push(`${key} = ${quoted(value)}`);
    } else if (!isPlainList(value)) {
      sections.push(`[${key}]`, ...assignments('', value));
    } else if (value.length === 0) {
      head.push(`${key} =`);
    } else {
      sections.push(...value.flatMap((item) => ['[rule]', ...assignments('', item)]));
    }
  }
  return [...head, ...sections, ''].join('\n');
}

function assignments(prefix: string, section: Plain): string[] {
  return Object.entries(section as Record<string, Plain>).flatMap(([key, value]) => {
    const name = `${prefix}${key}`;
    if (typeof value === 'string') return [`${name} = ${quoted(value)}  # comment`];
    if (!isPlainList(value)) return assignments(`${name}.`, value);
    if (value.length === 0) return [`${name} =`];
    // A list that may hold lists takes one line for each item; of a list of words, the first gets a line of its own as well.
    if (key === 'select' || value.some((item) => isPlainList(item)))
      return value.map((item) => `${name} = ${joined(isPlainList(item) ? item : [item])}`);
    const [first, ...rest] = value;
    return [
      `${name} = ${joined([first ?? ''])}`,
      ...(rest.length === 0 ? [] : [`${name}=${joined(rest)} ; more`]),
    ];
  });
}

function joined(words: readonly Plain[]): string {
  return words.map((word) => quoted(word as string)).join(', ');
}

function quoted(text: string): string {
  return `"${text.replaceAll('"', '""')}"`;
}
