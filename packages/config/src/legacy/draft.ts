import { nodeFromPlain, type Entry, type MapNode, type Place, type Plain, type TreeNode } from '../tree.js';
import { escapeVariables } from '../variables.js';

/** A section of our own tree while the translation fills it; every value keeps the place of what it comes from. */
export class Draft {
  private readonly entries = new Map<string, Entry>();
  private readonly drafts = new Map<string, Draft>();

  constructor(readonly place: Place) {}

  /** A later value takes the place of an earlier one. */
  set(key: string, plain: Plain, place: Place): this {
    return this.setNode(key, nodeFromPlain(withoutVariables(plain), place), place);
  }

  setNode(key: string, value: TreeNode, keyPlace: Place): this {
    this.entries.set(key, { keyPlace, value });
    return this;
  }

  /** The section of that name inside, made when it is missing. */
  inner(key: string, place: Place = this.place): Draft {
    const found = this.drafts.get(key);
    if (found !== undefined) return found;
    const made = new Draft(place);
    this.drafts.set(key, made);
    return made;
  }

  /** In the order in which keys were set; sections inside come last. */
  node(): MapNode {
    const inner = Array.from(
      this.drafts,
      ([key, draft]) => [key, { keyPlace: draft.place, value: draft.node() }] as const,
    );
    return { kind: 'map', place: this.place, entries: new Map([...this.entries, ...inner]) };
  }
}

/** K2HFTFUSE knows no environment variables: a dollar is a dollar. */
function withoutVariables(plain: Plain): Plain {
  if (typeof plain === 'string') return escapeVariables(plain);
  if (plain instanceof Array) return plain.map(withoutVariables);
  return Object.fromEntries(Object.entries(plain).map(([key, value]) => [key, withoutVariables(value)]));
}
