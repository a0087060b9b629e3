import { findValueEnd } from './ini-values.js';
import type { Parsed } from './parse-yaml.js';
import type { SyntaxProblem } from './problems.js';
import type { AssignedValue, Entry, ListNode, MapNode, Place, TreeNode } from './tree.js';

/** Sections that may come several times, each one an item of the list of that name. */
const REPEATED_SECTIONS: ReadonlyMap<string, string> = new Map([
  ['rule', 'rules'],
  ['rules', 'rules'],
]);

const HEADER = /^\s*\[([^\]]*)\]\s*(?:[#;].*)?$/;
const NAME = /^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*$/;

/**
 * Reads INI. Sections are the tree's top-level keys (`[relay.queue]` goes one deeper), keys before the first
 * section are top-level values, a dot in a key opens a nested section. A line that cannot be read is reported
 * and skipped, so that one mistake does not hide the others.
 */
export function parseIni(text: string): Parsed {
  const reader = new IniReader();
  text.split(/\r\n|\n|\r/).forEach((line, index) => {
    reader.line(line, index + 1);
  });
  return { root: reader.root, problems: reader.problems };
}

// The tree while it grows; it is handed out under the read-only types.
interface GrowingMap extends MapNode {
  readonly entries: Map<string, Entry>;
}
interface GrowingList extends ListNode {
  readonly items: TreeNode[];
}

class IniReader {
  readonly root = growingMap({ line: 1, column: 1 });
  readonly problems: SyntaxProblem[] = [];
  private readonly maps = new Set<TreeNode>([this.root]);
  private readonly values = new Map<TreeNode, AssignedValue[]>();
  private readonly sectionLists = new Map<string, GrowingList>();
  private section: GrowingMap = this.root;
  private sectionName = '';

  line(line: string, lineNumber: number): void {
    if (/^\s*(?:[#;].*)?$/.test(line)) return;
    const first: Place = { line: lineNumber, column: line.search(/\S/) + 1 };
    if (line.trimStart().startsWith('[')) {
      this.header(line, first);
    } else {
      this.assignment(line, first);
    }
  }

  private header(line: string, place: Place): void {
    const name = HEADER.exec(line)?.[1]?.trim();
    // Keys below a header that cannot be read belong to a section that nobody looks at.
    this.section = growingMap(place);
    this.maps.add(this.section);
    if (name === undefined || !NAME.test(name)) {
      this.problems.push({ place, message: 'INI: expected a section such as [queue]' });
      return;
    }
    this.sectionName = name;
    const listName = REPEATED_SECTIONS.get(name);
    if (listName !== undefined) {
      this.appendSection(listName, place);
    } else {
      const section = this.descend(this.root, name.split('.'), place, name);
      if (section !== undefined) this.section = section;
    }
  }

  private appendSection(name: string, place: Place): void {
    const list = this.sectionLists.get(name) ?? { kind: 'list', place, items: [] };
    if (!this.sectionLists.has(name)) {
      if (this.root.entries.has(name)) {
        this.problems.push({ place, key: name, message: 'given above as a value, and here as a section' });
        return;
      }
      this.sectionLists.set(name, list);
      this.root.entries.set(name, { keyPlace: place, value: list });
    }
    this.sectionName = `${name}[${list.items.length}]`;
    list.items.push(this.section);
  }

  private assignment(line: string, place: Place): void {
    const equals = line.indexOf('=');
    const key = (equals === -1 ? line : line.slice(0, equals)).trim();
    if (equals === -1 || !NAME.test(key)) {
      this.problems.push({ place, message: 'INI: expected "key = value" or "[section]"' });
      return;
    }
    const start = equals + 1 + (/^\s*/.exec(line.slice(equals + 1))?.[0].length ?? 0);
    const text = line.slice(start, findValueEnd(line, start)).trimEnd();
    const value: AssignedValue = { place: { line: place.line, column: start + 1 }, text };
    const parents = key.split('.');
    const last = parents.pop() ?? key;
    const fullKey = this.section === this.root ? key : `${this.sectionName}.${key}`;
    const map = this.descend(this.section, parents, place, fullKey);
    if (map !== undefined) this.assign(map, last, value, place, fullKey);
  }

  private assign(map: GrowingMap, key: string, value: AssignedValue, keyPlace: Place, fullKey: string): void {
    const entry = map.entries.get(key);
    if (entry === undefined) {
      const values = [value];
      const node: TreeNode = { kind: 'assigned', place: value.place, values };
      this.values.set(node, values);
      map.entries.set(key, { keyPlace, value: node });
      return;
    }
    const values = this.values.get(entry.value);
    if (values !== undefined) values.push(value);
    else
      this.problems.push({
        place: keyPlace,
        key: fullKey,
        message: 'given above as a section, and here as a value',
      });
  }

  /** The map under `names`, made where it is missing; undefined, with a message, where a value is in the way. */
  private descend(
    from: GrowingMap,
    names: readonly string[],
    place: Place,
    key: string,
  ): GrowingMap | undefined {
    let map = from;
    for (const name of names) {
      const found = map.entries.get(name)?.value;
      if (found === undefined) {
        const made = growingMap(place);
        this.maps.add(made);
        map.entries.set(name, { keyPlace: place, value: made });
        map = made;
      } else if (this.isGrowing(found)) {
        map = found;
      } else {
        this.problems.push({ place, key, message: 'given above as a value, and here as a section' });
        return undefined;
      }
    }
    return map;
  }

  private isGrowing(node: TreeNode): node is GrowingMap {
    return this.maps.has(node);
  }
}

function growingMap(place: Place): GrowingMap {
  return { kind: 'map', place, entries: new Map() };
}
