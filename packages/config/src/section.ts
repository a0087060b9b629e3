import { FAILED, type Failed, type Reading, type ValueType } from './reading.js';
import { readMap } from './shapes.js';
import { suggestKey } from './suggest.js';
import {
  emptyMap,
  nodeFromPlain,
  type Entry,
  type MapNode,
  type Place,
  type Plain,
  type TreeNode,
} from './tree.js';

/** One key of a section: its name in files, its type, and what holds when it is not there. */
export interface Field<T> {
  readonly key: string;
  /** The key itself and, dotted, all keys below it. */
  readonly keys: readonly string[];
  /** `node` is undefined when the key is not there; `place` is then that of the section. */
  read(node: TreeNode | undefined, place: Place, reading: Reading): T | Failed;
  /** undefined: nothing is written for this value. */
  write(value: T): Plain | undefined;
}

/** One field for each property of the settings, none forgotten. */
export type Fields<S> = { readonly [P in keyof S]-?: Field<S[P]> };

/** Reports something that only the values together show, at a key relative to the section. */
export type Complain = (keys: readonly string[], message: string) => void;

/** A key that takes `absent`, written as it would be in a file, when it is not there. */
export function withDefault<T>(key: string, type: ValueType<T>, absent: Plain | (() => Plain)): Field<T> {
  return field(key, type, (place, reading) =>
    type.read(nodeFromPlain(typeof absent === 'function' ? absent() : absent, place), reading),
  );
}

/** A section that is always there, made of its defaults when it is not written. */
export function always<T>(key: string, type: ValueType<T>): Field<T> {
  return field(key, type, (place, reading) => type.read(emptyMap(place), reading));
}

/** A key that must be there. */
export function required<T>(key: string, type: ValueType<T>): Field<T> {
  return field(key, type, (place, reading) => reading.fail(place, `missing; expected ${type.expected}`));
}

/** A key that may be left out, which means something of its own. */
export function optional<T>(key: string, type: ValueType<T>): Field<T | undefined> {
  return {
    key,
    keys: keysBelow(key, type),
    read: (node, _place, reading) => (node === undefined ? undefined : type.read(node, reading)),
    write: (value) => (value === undefined ? undefined : type.write(value)),
  };
}

function field<T>(
  key: string,
  type: ValueType<T>,
  absent: (place: Place, reading: Reading) => T | Failed,
): Field<T> {
  return {
    key,
    keys: keysBelow(key, type),
    read: (node, place, reading) => (node === undefined ? absent(place, reading) : type.read(node, reading)),
    write: (value) => type.write(value),
  };
}

function keysBelow<T>(key: string, type: ValueType<T>): readonly string[] {
  return [key, ...type.keys.map((inner) => `${key}.${inner}`)];
}

/** A section with known keys. `check` is called with the values once all of them are good. */
export function section<S extends object>(
  fields: Fields<S>,
  check: (settings: S, complain: Complain) => void = () => undefined,
): ValueType<S> {
  const properties = Object.keys(fields) as (keyof S & string)[];
  const names = properties.map((property) => fields[property].key);
  const expected = `a section with keys such as ${names.slice(0, 3).join(', ')}`;
  return {
    shape: 'section',
    expected,
    keys: properties.flatMap((property) => fields[property].keys),
    read(node, reading) {
      // A section whose keys are all commented out is an empty one.
      const map = node.kind === 'nothing' ? emptyMap(node.place) : readMap(node, expected, reading);
      if (map === FAILED) return FAILED;
      refuseUnknown(map, names, reading);
      const values = properties.map((property) => {
        const { key } = fields[property];
        return [
          property,
          fields[property].read(map.entries.get(key)?.value, map.place, reading.at(key)),
        ] as const;
      });
      if (values.some(([, value]) => value === FAILED)) return FAILED;
      // Every property has a field, by the type of `fields`, and every field gave its value.
      const settings = Object.fromEntries(values) as unknown as S;
      return passes(settings, check, map, reading) ? settings : FAILED;
    },
    write(settings) {
      const written: Record<string, Plain> = {};
      for (const property of properties) {
        const plain = fields[property].write(settings[property]);
        if (plain !== undefined) written[fields[property].key] = plain;
      }
      return written;
    },
  };
}

function refuseUnknown(map: MapNode, names: readonly string[], reading: Reading): void {
  for (const [key, { keyPlace }] of map.entries) {
    if (names.includes(key)) continue;
    const suggestion = suggestKey(key, names, reading.shared.knownKeys);
    const advice =
      suggestion === undefined ? `known here are ${names.join(', ')}` : `did you mean ${suggestion}?`;
    reading.at(key).fail(keyPlace, `unknown key; ${advice}`);
  }
}

function passes<S>(
  settings: S,
  check: (settings: S, complain: Complain) => void,
  map: MapNode,
  reading: Reading,
): boolean {
  let passed = true;
  check(settings, (keys, message) => {
    passed = false;
    const at = keys.reduce((inner, key) => inner.at(key), reading);
    at.fail(findPlace(map, keys), message);
  });
  return passed;
}

/** Where a key stands, or else the nearest section around it that is written. */
function findPlace(map: MapNode, keys: readonly string[]): Place {
  let place = map.place;
  let node: TreeNode = map;
  for (const key of keys) {
    const entry: Entry | undefined = node.kind === 'map' ? node.entries.get(key) : undefined;
    if (entry === undefined) break;
    place = entry.keyPlace;
    node = entry.value;
  }
  return place;
}
