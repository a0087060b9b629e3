import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, Scalar, type Pair } from 'yaml';
import type { Place } from '../tree.js';
import {
  isSectionName,
  type LegacyDocument,
  type LegacyEntry,
  type LegacySection,
  type LegacyText,
} from './document.js';
import type { Findings } from './findings.js';

/** Sections that are lists of mappings at the top; all others are mappings. */
const LISTED = new Set(['SVRNODE', 'SLVNODE']);
/** Sections that stand inside K2HFTFUSE, as lists of mappings. */
const RULES = new Set(['K2HFTFUSE_RULE_DIR', 'K2HFTFUSE_RULE']);
const PATTERNS = new Set(['ALLOW', 'DENY']);

/**
 * Reads K2HFTFUSE's YAML and JSON. Both are YAML for it, so JSON may have comments, single quotes and commas
 * behind the last item; every value is its text.
 *
 * @returns undefined when the text is too broken to say anything about its keys
 */
export function readLegacyYaml(
  text: string,
  file: string,
  folder: string,
  findings: Findings,
): LegacyDocument | undefined {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    schema: 'failsafe',
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: false,
  });
  const placeOf = (offset: number | undefined): Place => {
    const { line, col } = lines.linePos(offset ?? 0);
    return { line: Math.max(line, 1), column: Math.max(col, 1), file };
  };
  for (const fault of document.errors) findings.fail(placeOf(fault.pos[0]), '', `YAML: ${fault.message}`);
  if (document.errors.length > 0) return undefined;
  const reader = new YamlReader(findings, placeOf);
  reader.root(document.contents);
  return { file, folder, sections: reader.sections };
}

/** Whether the text, read as YAML, has a top-level key that is a section of K2HFTFUSE. */
export function isLegacyYaml(text: string): boolean {
  if (!/GLOBAL|SVRNODE|SLVNODE|K2H/i.test(text)) return false;
  const { contents } = parseDocument(text, { schema: 'failsafe', prettyErrors: false, uniqueKeys: false });
  return isMap(contents) && contents.items.some(({ key }) => isSectionName(nameOf(key)));
}

function nameOf(key: unknown): string {
  return isScalar(key) && typeof key.value === 'string' ? key.value.toUpperCase() : '';
}

class YamlReader {
  readonly sections: LegacySection[] = [];

  constructor(
    private readonly findings: Findings,
    private readonly placeOf: (offset: number | undefined) => Place,
  ) {}

  root(contents: unknown): void {
    if (!isMap(contents)) return;
    for (const pair of contents.items) {
      const name = nameOf(pair.key);
      if (!isSectionName(name) || RULES.has(name)) {
        const where = RULES.has(name) ? 'it belongs inside K2HFTFUSE' : 'no section of that name is known';
        this.findings.warn(this.place(pair.key), '', `${this.shown(pair.key)} is ignored: ${where}`);
      } else if (LISTED.has(name)) this.list(name, pair);
      else this.section(name, pair.value, this.place(pair.key));
    }
  }

  private list(name: string, pair: Pair): void {
    if (isEmpty(pair.value)) return;
    if (!isSeq(pair.value)) {
      this.findings.fail(this.place(pair.key), name, 'expected a list of mappings');
      return;
    }
    for (const item of pair.value.items) this.section(name, item, this.place(item));
  }

  private section(name: string, value: unknown, place: Place): void {
    const entries: LegacyEntry[] = [];
    this.sections.push({ name, place, entries });
    if (isEmpty(value)) return;
    if (!isMap(value)) {
      this.findings.fail(place, name, 'expected a mapping of keys and values');
      return;
    }
    for (const pair of value.items) {
      const key = nameOf(pair.key);
      if (name === 'K2HFTFUSE' && RULES.has(key)) this.list(key, pair);
      else this.entry(name, key, pair, entries);
    }
  }

  private entry(section: string, key: string, pair: Pair, entries: LegacyEntry[]): void {
    const keyPlace = this.place(pair.key);
    const add = (value: LegacyText, second?: LegacyText) => entries.push({ key, keyPlace, value, second });
    if (isScalar(pair.value) || pair.value === null) {
      add(this.text(pair.value, keyPlace));
    } else if (PATTERNS.has(key) && isSeq(pair.value)) {
      for (const item of pair.value.items) {
        if (isScalar(item)) add(this.text(item, keyPlace));
        else this.pair(item, `${section}.${key}`, add);
      }
    } else {
      const reason = isAlias(pair.value) ? 'aliases are not supported' : 'expected a text';
      this.findings.fail(this.place(pair.value), `${section}.${key}`, reason);
    }
  }

  private pair(item: unknown, key: string, add: (value: LegacyText, second: LegacyText) => void): void {
    const [first, second, third] = isSeq(item) ? item.items : [];
    if (!isScalar(first) || !isScalar(second) || third !== undefined) {
      this.findings.fail(
        this.place(item),
        key,
        'expected a pattern, or a list of a pattern and its replacement',
      );
      return;
    }
    add(this.text(first, this.place(item)), this.text(second, this.place(item)));
  }

  private text(node: Scalar | null, without: Place): LegacyText {
    if (node === null) return { place: without, text: '', written: undefined, quoted: false };
    const text = typeof node.value === 'string' ? node.value : '';
    const quoted = node.type === Scalar.QUOTE_DOUBLE || node.type === Scalar.QUOTE_SINGLE;
    return { place: this.place(node), text, written: undefined, quoted };
  }

  private place(node: unknown): Place {
    const known = isAlias(node) || isScalar(node) || isSeq(node) || isMap(node);
    return this.placeOf(known ? node.range?.[0] : undefined);
  }

  private shown(key: unknown): string {
    return isScalar(key) ? JSON.stringify(key.value) : 'a key that is no word';
  }
}

function isEmpty(value: unknown): boolean {
  return value === null || (isScalar(value) && value.value === '');
}
