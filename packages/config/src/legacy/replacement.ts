export interface ReplacementFault {
  readonly offset: number;
  readonly fault: string;
}

/**
 * Translates what a line becomes: `$0` to `$9` and `&` (the same as `$0`) to JavaScript's `$&` and `$1`; a backslash
 * takes the meaning away from what follows. A group that the pattern does not have is empty.
 */
export function translateReplacement(
  replacement: string,
  groups: number,
): { readonly output: string } | ReplacementFault {
  let output = '';
  let index = 0;
  /** A digit behind `$1` would be read as part of the number. */
  let afterGroup = false;
  const literal = (character: string) => {
    if (afterGroup && /\d/.test(character)) output = output.replace(/\$(\d)$/, '$$0$1');
    output += character === '$' ? '$$' : character;
    afterGroup = false;
  };
  while (index < replacement.length) {
    const character = replacement.charAt(index);
    const next = replacement.charAt(index + 1);
    if (character === '$') {
      if (!/^\d$/.test(next) || /\d/.test(replacement.charAt(index + 2))) {
        return {
          offset: index,
          fault: 'a $ is followed by one digit, $0 to $9; a literal one is written \\$',
        };
      }
      const group = Number(next);
      if (group <= groups) output += group === 0 ? '$&' : `$${group}`;
      afterGroup = group > 0 && group <= groups;
      index += 2;
    } else if (character === '&') {
      output += '$&';
      afterGroup = false;
      index++;
    } else if (character === '\\') {
      if (next === '') return { offset: index, fault: 'nothing follows the last backslash' };
      literal(next);
      index += 2;
    } else {
      literal(character);
      index++;
    }
  }
  return { output };
}
