import { DEPTH_MAX, type Parsed } from './parse-yaml.js';
import { GIVEN_BEFORE, type SyntaxProblem } from './problems.js';
import { joinKey, type Entry, type Place, type TreeNode } from './tree.js';

/** Reads JSON as RFC 8259 has it, no more: no comments, no comma after the last item. */
export function parseJson(text: string): Parsed {
  const scanner = new JsonScanner(text);
  try {
    const root = scanner.document();
    return { root, problems: scanner.problems };
  } catch (error) {
    if (!(error instanceof JsonFault)) throw error;
    return {
      root: undefined,
      problems: [{ place: scanner.placeOf(error.offset), message: `JSON: ${error.message}` }],
    };
  }
}

class JsonFault extends Error {
  constructor(
    readonly offset: number,
    message: string,
  ) {
    super(message);
  }
}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /[A-Za-z_]+/y;
const BLANK = /[ \t\r\n]*/y;
const STRING = /"(?:[^"\\]|\\.)*"/sy;

class JsonScanner {
  readonly problems: SyntaxProblem[] = [];
  private offset = 0;

  constructor(private readonly text: string) {}

  placeOf(offset: number): Place {
    const before = this.text.slice(0, offset);
    const lineStart = before.lastIndexOf('\n') + 1;
    return { line: before.split('\n').length, column: offset - lineStart + 1 };
  }

  document(): TreeNode {
    const root = this.value('', 0);
    this.skipBlanks();
    if (this.offset < this.text.length) this.fail('expected the end after the last closing brace');
    return root;
  }

  private value(key: string, depth: number): TreeNode {
    this.skipBlanks();
    if (depth > DEPTH_MAX) this.fail('too many levels');
    const place = this.placeOf(this.offset);
    if (this.takes('{')) return { kind: 'map', place, entries: this.members(key, depth + 1) };
    if (this.takes('[')) return { kind: 'list', place, items: this.items(key, depth + 1) };
    if (this.text[this.offset] === '"') return { kind: 'text', place, text: this.string() };
    const number = this.match(NUMBER);
    if (number !== undefined) return { kind: 'text', place, text: number };
    const wordAt = this.offset;
    const word = this.match(WORD);
    if (word === 'null') return { kind: 'nothing', place };
    if (word === 'true' || word === 'false') return { kind: 'text', place, text: word };
    throw new JsonFault(wordAt, `expected a value, found ${this.nameAt(wordAt)}`);
  }

  private members(parent: string, depth: number): Map<string, Entry> {
    const entries = new Map<string, Entry>();
    this.skipBlanks();
    if (this.takes('}')) return entries;
    do {
      this.skipBlanks();
      const keyPlace = this.placeOf(this.offset);
      if (this.text[this.offset] !== '"')
        this.fail(`expected a key in double quotes, found ${this.nameAt(this.offset)}`);
      const name = this.string();
      const key = joinKey(parent, name);
      this.skipBlanks();
      if (!this.takes(':')) this.fail(`expected a colon after the key, found ${this.nameAt(this.offset)}`);
      const value = this.value(key, depth);
      if (entries.has(name)) this.problems.push({ place: keyPlace, key, message: GIVEN_BEFORE });
      else entries.set(name, { keyPlace, value });
      this.skipBlanks();
    } while (this.takes(','));
    if (!this.takes('}')) this.fail(`expected a comma or a closing brace, found ${this.nameAt(this.offset)}`);
    return entries;
  }

  private items(parent: string, depth: number): TreeNode[] {
    const items: TreeNode[] = [];
    this.skipBlanks();
    if (this.takes(']')) return items;
    do {
      items.push(this.value(joinKey(parent, items.length), depth));
      this.skipBlanks();
    } while (this.takes(','));
    if (!this.takes(']'))
      this.fail(`expected a comma or a closing bracket, found ${this.nameAt(this.offset)}`);
    return items;
  }

  private string(): string {
    const at = this.offset;
    const literal = this.match(STRING);
    if (literal === undefined) throw new JsonFault(at, 'the closing double quote is missing');
    try {
      return String(JSON.parse(literal));
    } catch {
      throw new JsonFault(at, 'a text holds an unknown escape or a control character');
    }
  }

  private skipBlanks(): void {
    this.match(BLANK);
  }

  private takes(character: string): boolean {
    if (this.text[this.offset] !== character) return false;
    this.offset++;
    return true;
  }

  private match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.offset;
    const found = pattern.exec(this.text)?.[0];
    if (found !== undefined) this.offset += found.length;
    return found;
  }

  private nameAt(offset: number): string {
    const character = this.text[offset];
    return character === undefined ? 'the end' : JSON.stringify(character);
  }

  private fail(message: string): never {
    throw new JsonFault(this.offset, message);
  }
}
