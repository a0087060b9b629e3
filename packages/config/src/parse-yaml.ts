import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  Scalar,
  type Alias,
  type Document,
} from 'yaml';
import { GIVEN_BEFORE, type SyntaxProblem } from './problems.js';
import { emptyMap, joinKey, type Entry, type Place, type TreeNode } from './tree.js';

/** What a parser returns: no tree when the text is too broken to say anything about its keys. */
export interface Parsed {
  readonly root: TreeNode | undefined;
  readonly problems: readonly SyntaxProblem[];
}

/**
 * Aliases may repeat a part of the file any number of times, and may even contain themselves. No
 * configuration written by hand comes near this count.
 */
const NODES_MAX = 20_000;

/** The settings are at most five levels deep; this keeps the recursion away from the end of the stack. */
export const DEPTH_MAX = 64;

/** Words that YAML reads as "no value". A text that is one of them must be quoted. */
export const NOTHING_WORDS: ReadonlySet<string> = new Set(['', '~', 'null', 'Null', 'NULL']);

const START: Place = { line: 1, column: 1 };

/**
 * Reads YAML 1.2. Plain scalars stay texts (the schema is "failsafe"), so that `umask: 022` keeps its zero and
 * `send: no` stays a word. `start` is where the text begins in its file when it is only a part of one line.
 */
export function parseYaml(text: string, start: Place = START): Parsed {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    schema: 'failsafe',
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: false,
  });
  const reader = new YamlReader(document, lines, start);
  for (const fault of [...document.errors, ...document.warnings]) {
    reader.problems.push({ place: reader.placeOf(fault.pos[0]), message: `YAML: ${fault.message}` });
  }
  if (document.errors.length > 0) return { root: undefined, problems: reader.problems };
  const root = document.contents === null ? emptyMap(start) : reader.convert(document.contents, '', 0);
  return { root, problems: reader.problems };
}

class YamlReader {
  readonly problems: SyntaxProblem[] = [];
  private nodes = 0;
  private tooLarge = false;

  constructor(
    private readonly document: Document,
    private readonly lines: LineCounter,
    private readonly start: Place,
  ) {}

  placeOf(offset: number | undefined): Place {
    const { line, col } = this.lines.linePos(offset ?? 0);
    if (line > 1) return { line: this.start.line + line - 1, column: col };
    return { line: this.start.line, column: this.start.column + Math.max(col, 1) - 1 };
  }

  convert(node: unknown, key: string, depth: number): TreeNode {
    const place = this.placeOf(offsetOf(node));
    if (++this.nodes > NODES_MAX || depth > DEPTH_MAX) {
      if (!this.tooLarge) {
        this.problems.push({
          place,
          key,
          message: 'YAML: too many or too deep values; does an alias contain itself?',
        });
      }
      this.tooLarge = true;
    }
    // Once over the limit, what remains is read as nothing: one message is enough.
    if (this.tooLarge) return { kind: 'nothing', place };
    if (isAlias(node)) return this.aliased(node, key, depth, place);
    if (isSeq(node)) return { kind: 'list', place, items: this.items(node.items, key, depth) };
    if (isMap(node)) return { kind: 'map', place, entries: this.entries(node.items, key, depth) };
    if (!isScalar(node)) return { kind: 'nothing', place };
    const text = typeof node.value === 'string' ? node.value : '';
    if (node.type === Scalar.PLAIN && NOTHING_WORDS.has(text)) return { kind: 'nothing', place };
    return { kind: 'text', place, text };
  }

  private aliased(alias: Alias, key: string, depth: number, place: Place): TreeNode {
    const target = alias.resolve(this.document);
    if (target !== undefined) return this.convert(target, key, depth + 1);
    this.problems.push({ place, key, message: `YAML: nothing above is called &${alias.source}` });
    return { kind: 'nothing', place };
  }

  private items(items: readonly unknown[], key: string, depth: number): TreeNode[] {
    return items.map((item, index) => this.convert(item, joinKey(key, index), depth + 1));
  }

  private entries(
    pairs: readonly { key: unknown; value: unknown }[],
    parent: string,
    depth: number,
  ): Map<string, Entry> {
    const entries = new Map<string, Entry>();
    for (const pair of pairs) {
      const keyPlace = this.placeOf(offsetOf(pair.key));
      const name = isScalar(pair.key) ? pair.key.value : undefined;
      if (typeof name !== 'string') {
        this.problems.push({ place: keyPlace, key: parent, message: 'a key must be a word' });
        continue;
      }
      const key = joinKey(parent, name);
      if (entries.has(name)) this.problems.push({ place: keyPlace, key, message: GIVEN_BEFORE });
      else entries.set(name, { keyPlace, value: this.valueOf(pair.value, key, depth, keyPlace) });
    }
    return entries;
  }

  /** `? key` without a colon has no value node at all. */
  private valueOf(value: unknown, key: string, depth: number, keyPlace: Place): TreeNode {
    return value === null ? { kind: 'nothing', place: keyPlace } : this.convert(value, key, depth + 1);
  }
}

/** Where a node of the library begins; the library leaves this open for nodes that were not parsed. */
function offsetOf(node: unknown): number | undefined {
  if (isAlias(node) || isScalar(node) || isSeq(node) || isMap(node)) return node.range?.[0];
  return undefined;
}
