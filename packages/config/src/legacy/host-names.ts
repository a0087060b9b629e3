/**
 * Names of hosts as CHMPX writes them: a comma list, in which `[...]` stands for one of several texts:
 * `foo[0-9].example.com`, `[a,c-e]`. Several brackets multiply. Numbers are not padded: `[01-03]` is 1, 2, 3.
 */

/** No cluster is that large: MAXCHMPX, the number of nodes, ends there. */
const NAMES_MAX = 32_768;

export type HostNames = readonly string[] | { readonly fault: string };

export function expandHostNames(pattern: string): HostNames {
  const names: string[] = [];
  for (const part of splitOutsideOfBrackets(pattern)) {
    const expanded = expandOne(part.trim());
    if ('fault' in expanded) return expanded;
    names.push(...expanded);
    if (names.length > NAMES_MAX) return { fault: `more than ${NAMES_MAX} names` };
  }
  return [...new Set(names)];
}

function splitOutsideOfBrackets(text: string): string[] {
  const parts = [''];
  let inside = false;
  for (const character of text) {
    if (character === '[') inside = true;
    if (character === ']') inside = false;
    if (character === ',' && !inside) parts.push('');
    else parts.push((parts.pop() ?? '') + character);
  }
  return parts;
}

function expandOne(name: string): HostNames {
  if (name === '') return { fault: 'a name is empty' };
  let names = [''];
  for (const [piece] of name.matchAll(/\[[^\]]*\]?|[^[]+/g)) {
    const choices = piece.startsWith('[') ? expandBracket(piece) : literal(piece);
    if ('fault' in choices) return choices;
    if (names.length * choices.length > NAMES_MAX) return { fault: `more than ${NAMES_MAX} names` };
    names = names.flatMap((before) => choices.map((choice) => before + choice));
  }
  return names;
}

function literal(piece: string): HostNames {
  if (piece.includes(']')) return { fault: 'a ] without its [' };
  return /^[A-Za-z0-9._:-]+$/.test(piece)
    ? [piece]
    : { fault: `${JSON.stringify(piece)} is no part of a host name` };
}

function expandBracket(bracket: string): HostNames {
  if (!bracket.endsWith(']')) return { fault: 'a [ without its ]' };
  const choices: string[] = [];
  for (const item of bracket.slice(1, -1).split(',')) {
    const range = expandRange(item.trim());
    if ('fault' in range) return range;
    choices.push(...range);
  }
  return choices;
}

function expandRange(item: string): HostNames {
  const [, from, to] = /^(\d+|[a-z]|[A-Z])-(\d+|[a-z]|[A-Z])$/.exec(item) ?? [];
  if (from === undefined || to === undefined) {
    return /^[A-Za-z0-9]+$/.test(item)
      ? [item]
      : { fault: `${JSON.stringify(item)} is neither a text nor a range such as 1-5 or a-e` };
  }
  const isNumber = /^\d/.test(from);
  if (isNumber !== /^\d/.test(to) || (!isNumber && /[a-z]/.test(from) !== /[a-z]/.test(to))) {
    return { fault: `${item} goes from one kind of text to another` };
  }
  const first = isNumber ? Number(from) : from.charCodeAt(0);
  const last = isNumber ? Number(to) : to.charCodeAt(0);
  if (last < first) return { fault: `${item} goes backwards` };
  if (last - first >= NAMES_MAX) return { fault: `more than ${NAMES_MAX} names` };
  return Array.from({ length: last - first + 1 }, (_, index) =>
    isNumber ? String(first + index) : String.fromCharCode(first + index),
  );
}
