/** Which known key an unknown one was probably meant to be. */

/** Letters that may be wrong: one, and one more for every four letters. */
function toleranceFor(key: string): number {
  return 1 + Math.floor(key.length / 4);
}

/**
 * @param unknown the last part of the key that was written
 * @param siblings keys that are known in the same place
 * @param everywhere dotted keys that are known anywhere
 */
export function suggestKey(
  unknown: string,
  siblings: readonly string[],
  everywhere: readonly string[],
): string | undefined {
  const nearest = nearestName(unknown, siblings);
  if (nearest !== undefined) return nearest;
  return everywhere.find((key) => key.split('.').at(-1) === unknown);
}

/** The known name that differs least from the one that was written; undefined when none is near. */
export function nearestName(unknown: string, known: readonly string[]): string | undefined {
  return known
    .map((name) => ({ name, distance: editDistance(unknown.toLowerCase(), name) }))
    .filter(({ distance }) => distance <= toleranceFor(unknown))
    .toSorted((a, b) => a.distance - b.distance)[0]?.name;
}

/** Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`. */
export function editDistance(a: string, b: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const replaced = (previous[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      const swapped =
        a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
          ? (beforePrevious[column - 2] ?? Infinity) + 1
          : Infinity;
      current.push(Math.min((previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1, replaced, swapped));
    }
    beforePrevious = previous;
    previous = current;
  }
  return previous[b.length] ?? 0;
}
