import type { SelectEntry } from './mount-settings.js';
import { FAILED, type ValueType } from './reading.js';
import { readItems } from './shapes.js';
import { nameOfNode, type Plain } from './tree.js';

interface ListOptions {
  readonly expected: string;
  /** At least one item. */
  readonly nonempty?: boolean;
  /** No item may come twice. */
  readonly distinct?: boolean;
}

/** Any number of values of one type. */
export function listOf<T>(item: ValueType<T>, options: ListOptions): ValueType<T[]> {
  const { expected, nonempty = false, distinct = false } = options;
  return {
    shape: 'list',
    expected,
    keys: item.keys,
    read(node, reading) {
      const items = readItems(node, item.shape === 'scalar', expected, reading);
      if (items === FAILED) return FAILED;
      if (nonempty && items.length === 0)
        return reading.fail(node.place, `expected ${expected}, found an empty list`);
      const values: T[] = [];
      let good = 0;
      for (const [index, part] of items.entries()) {
        const inner = reading.at(index);
        const value = item.read(part, inner);
        if (value === FAILED) continue;
        if (distinct && values.includes(value))
          inner.fail(part.place, `${nameOfNode(part)} is in the list already`);
        else good++;
        values.push(value);
      }
      return good === items.length ? values : FAILED;
    },
    write: (values) => values.map((value) => item.write(value)),
  };
}

/** Exactly two values. */
export function pairOf<A, B>(first: ValueType<A>, second: ValueType<B>, expected: string): ValueType<[A, B]> {
  return {
    shape: 'list',
    expected,
    keys: [],
    read(node, reading) {
      const items = readItems(node, true, expected, reading);
      if (items === FAILED) return FAILED;
      const [firstNode, secondNode, third] = items;
      if (firstNode === undefined || secondNode === undefined || third !== undefined) {
        return reading.fail(
          node.place,
          `expected ${expected}, found ${items.length === 1 ? '1 value' : `${items.length} values`}`,
        );
      }
      const a = first.read(firstNode, reading.at(0));
      const b = second.read(secondNode, reading.at(1));
      return a === FAILED || b === FAILED ? FAILED : [a, b];
    },
    write: ([a, b]) => [first.write(a), second.write(b)],
  };
}

/** A pattern alone, or a pair of a pattern and what a line becomes that it matches. */
export function patternAndOutput(
  pattern: ValueType<string>,
  output: ValueType<string>,
  expected: string,
): ValueType<SelectEntry> {
  return {
    shape: 'list',
    expected,
    keys: [],
    read(node, reading) {
      const items = node.kind === 'text' ? [node] : readItems(node, true, expected, reading);
      if (items === FAILED) return FAILED;
      const [patternNode, outputNode] = items;
      if (patternNode === undefined || items.length > 2) {
        return reading.fail(node.place, `expected ${expected}, found ${items.length} values`);
      }
      const first = pattern.read(patternNode, reading.at(0));
      const second = outputNode === undefined ? undefined : output.read(outputNode, reading.at(1));
      return first === FAILED || second === FAILED ? FAILED : { pattern: first, output: second };
    },
    write: (entry) =>
      entry.output === undefined
        ? pattern.write(entry.pattern)
        : [pattern.write(entry.pattern), output.write(entry.output)],
  };
}

/** A program and its arguments. */
export function commandLine(program: ValueType<string>, argument: ValueType<string>): ValueType<string[]> {
  const expected = 'a program and its arguments, such as ["/usr/local/bin/mask", "--fast"]';
  return {
    shape: 'list',
    expected,
    keys: [],
    read(node, reading) {
      const items = readItems(node, true, expected, reading);
      if (items === FAILED) return FAILED;
      if (items.length === 0) return reading.fail(node.place, `expected ${expected}, found an empty list`);
      const words = items.map((item, index) =>
        (index === 0 ? program : argument).read(item, reading.at(index)),
      );
      const values = words.filter((word) => word !== FAILED);
      return values.length === words.length ? values : FAILED;
    },
    write: (words): Plain => words.map((word, index) => (index === 0 ? program : argument).write(word)),
  };
}
