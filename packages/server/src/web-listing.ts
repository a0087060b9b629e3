import type { Listing } from '../web/overview.js';

/** More than anybody reads; who looks for one of thousands has the filter. */
const ROWS_MAX = 100;

/**
 * A part of a list, to be shown as a table.
 *
 * @param filter in lower case; empty: all of them match
 * @param textsOf what the filter is looked for in
 */
export function listingOf<Row>(
  all: readonly Row[],
  filter: string,
  textsOf: (row: Row) => readonly string[],
  compare: (a: Row, b: Row) => number,
): Listing<Row> {
  const matches = (row: Row): boolean => textsOf(row).some((text) => text.toLowerCase().includes(filter));
  const matching = filter === '' ? [...all] : all.filter(matches);
  matching.sort(compare);
  return { rows: matching.slice(0, ROWS_MAX), matching: matching.length, all: all.length };
}

/** Compares by several measures, each counting when those before it are equal. */
export function inOrder<Row>(...compares: ((a: Row, b: Row) => number)[]): (a: Row, b: Row) => number {
  return (a, b) => {
    for (const compare of compares) {
      const difference = compare(a, b);
      if (difference !== 0) return difference;
    }
    return 0;
  };
}

/** The greatest first. */
export function byGreatest<Row>(read: (row: Row) => number): (a: Row, b: Row) => number {
  return (a, b) => read(b) - read(a);
}

/** By the alphabet, the same on every host. */
export function byText<Row>(read: (row: Row) => string): (a: Row, b: Row) => number {
  return (a, b) => {
    const [first, second] = [read(a), read(b)];
    return first < second ? -1 : Number(first > second);
  };
}
