/**
 * The one tree that YAML, JSON and INI are all read into. Every node knows where it stood in its file, so that
 * a message about a value can name line and column long after the file was parsed.
 */

/** Line and column count from 1, as editors show them; a column is a UTF-16 code unit. */
export interface Place {
  readonly line: number;
  readonly column: number;
  /** Only where it is not the file that was asked for, but one that this includes. */
  readonly file?: string;
}

export type TreeNode = TextNode | NothingNode | ListNode | MapNode | AssignedNode;

/** One value, as its text: which type it is meant to have is known by the field, not by the file. */
interface TextNode {
  readonly kind: 'text';
  readonly place: Place;
  readonly text: string;
}

/** A key that stands there without a value (`key:` in YAML, null in JSON). */
interface NothingNode {
  readonly kind: 'nothing';
  readonly place: Place;
}

export interface ListNode {
  readonly kind: 'list';
  readonly place: Place;
  readonly items: readonly TreeNode[];
}

export interface MapNode {
  readonly kind: 'map';
  readonly place: Place;
  readonly entries: ReadonlyMap<string, Entry>;
}

/**
 * What INI gives for a key: the values assigned to it, one per line that names the key, exactly as written.
 * INI does not say whether `a, b` is one text or a list of two; the field that reads the node decides.
 */
interface AssignedNode {
  readonly kind: 'assigned';
  readonly place: Place;
  readonly values: readonly AssignedValue[];
}

export interface AssignedValue {
  readonly place: Place;
  readonly text: string;
}

export interface Entry {
  readonly keyPlace: Place;
  readonly value: TreeNode;
}

/** A tree without places: what defaults are written in, and what settings are turned back into. */
export type Plain = string | readonly Plain[] | { readonly [key: string]: Plain };

/** The dotted key of what lies in `parent`, at a key or at a position in a list: `rules[2].send`. */
export function joinKey(parent: string, child: string | number): string {
  if (typeof child === 'number') return `${parent}[${child}]`;
  return parent === '' ? child : `${parent}.${child}`;
}

export function isPlainList(plain: Plain): plain is readonly Plain[] {
  return Array.isArray(plain);
}

/** Gives every part of `plain` the same place. */
export function nodeFromPlain(plain: Plain, place: Place): TreeNode {
  if (typeof plain === 'string') return { kind: 'text', place, text: plain };
  if (isPlainList(plain))
    return { kind: 'list', place, items: plain.map((item) => nodeFromPlain(item, place)) };
  const entries = Object.entries(plain).map(
    ([key, value]) => [key, { keyPlace: place, value: nodeFromPlain(value, place) }] as const,
  );
  return { kind: 'map', place, entries: new Map(entries) };
}

export function emptyMap(place: Place): MapNode {
  return { kind: 'map', place, entries: new Map() };
}

/** How a message calls what it found. */
export function nameOfNode(node: TreeNode): string {
  switch (node.kind) {
    case 'text':
      return JSON.stringify(node.text);
    case 'nothing':
      return 'nothing';
    case 'list':
      return 'a list';
    case 'map':
      return 'a section';
    case 'assigned':
      return JSON.stringify(node.values.map((value) => value.text).join(', '));
  }
}
