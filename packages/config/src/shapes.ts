import { readSingle, splitList, type ValueFault } from './ini-values.js';
import { parseYaml } from './parse-yaml.js';
import { FAILED, type Failed, type Reading } from './reading.js';
import { nameOfNode, type AssignedValue, type MapNode, type Place, type TreeNode } from './tree.js';

/**
 * A node as the text, the list or the section that a field wants. What INI assigned gets its form here; YAML
 * and JSON have theirs already, and a different one is refused.
 */

export interface PlacedText {
  readonly text: string;
  readonly place: Place;
}

/** One text, with its variables filled in. */
export function readText(node: TreeNode, expected: string, reading: Reading): PlacedText | Failed {
  const written = node.kind === 'assigned' ? singleOf(node.values, reading) : node;
  if (written === FAILED) return FAILED;
  if (written.kind !== 'text') return refuse(written, expected, reading);
  const text = reading.expand(written.text, written.place);
  return text === FAILED ? FAILED : { text, place: written.place };
}

/**
 * The items of a list.
 *
 * @param split whether each value that INI assigned is a list of its own, as opposed to one item
 */
export function readItems(
  node: TreeNode,
  split: boolean,
  expected: string,
  reading: Reading,
): readonly TreeNode[] | Failed {
  if (node.kind === 'list') return node.items;
  if (node.kind !== 'assigned') return refuse(node, expected, reading);
  if (!split) return node.values.filter(({ text }) => text !== '').map((value) => assignedOnce(value));
  const items: TreeNode[] = [];
  for (const value of node.values) {
    const parts = splitList(value.text);
    if ('message' in parts) return reading.fail(placeInside(value, parts), parts.message);
    items.push(
      ...parts.map(
        ({ offset, text }) => ({ kind: 'text', place: shifted(value.place, offset), text }) as const,
      ),
    );
  }
  return items;
}

/** A section; in INI also one written on a line, as `{ key: value, ... }`. */
export function readMap(node: TreeNode, expected: string, reading: Reading): MapNode | Failed {
  if (node.kind === 'map') return node;
  if (node.kind !== 'assigned') return refuse(node, expected, reading);
  const [value, second] = node.values;
  if (value?.text.startsWith('{') !== true) return refuse(node, expected, reading);
  if (second !== undefined) return failTwice(second, value, reading);
  const { root, problems } = parseYaml(value.text, value.place);
  for (const { key, place, message } of problems) (key ? reading.at(key) : reading).fail(place, message);
  return root?.kind === 'map' && problems.length === 0 ? root : FAILED;
}

function refuse(node: TreeNode, expected: string, reading: Reading): Failed {
  return reading.fail(node.place, `expected ${expected}, found ${nameOfNode(node)}`);
}

function singleOf(values: readonly AssignedValue[], reading: Reading): TreeNode | Failed {
  const [value, second] = values;
  if (value === undefined) return FAILED;
  if (second !== undefined) return failTwice(second, value, reading);
  if (value.text === '') return { kind: 'nothing', place: value.place };
  const text = readSingle(value.text);
  if (typeof text !== 'string') return reading.fail(placeInside(value, text), text.message);
  return { kind: 'text', place: value.place, text };
}

function failTwice(second: AssignedValue, first: AssignedValue, reading: Reading): Failed {
  return reading.fail(
    second.place,
    `given twice, first on line ${first.place.line}; this key takes one value`,
  );
}

function assignedOnce(value: AssignedValue): TreeNode {
  return { kind: 'assigned', place: value.place, values: [value] };
}

function placeInside(value: AssignedValue, fault: ValueFault): Place {
  return shifted(value.place, fault.offset);
}

function shifted(place: Place, offset: number): Place {
  return { line: place.line, column: place.column + offset };
}
