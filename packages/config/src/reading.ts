import type { Problem } from './problems.js';
import { joinKey, type Place, type Plain, type TreeNode } from './tree.js';
import { expandVariables, type Lookup } from './variables.js';

/** What a reader returns after it has reported why there is no value. */
export const FAILED: unique symbol = Symbol('failed');
export type Failed = typeof FAILED;

/** What a whole file shares while it is read. */
export interface ReadingShared {
  /** The name of the file in messages. */
  readonly file: string;
  /** Absolute; relative paths in the file start here. */
  readonly folder: string;
  readonly lookup: Lookup;
  /** Every dotted key of the command, for suggestions. */
  readonly knownKeys: readonly string[];
  readonly problems: Problem[];
}

/** Reading at one key: problems are collected rather than thrown, so that one run shows all of them. */
export class Reading {
  constructor(
    readonly shared: ReadingShared,
    readonly key: string = '',
  ) {}

  /** Reading one level deeper, at a key or at a position in a list. */
  at(segment: string | number): Reading {
    return new Reading(this.shared, joinKey(this.key, segment));
  }

  fail(place: Place, message: string): Failed {
    this.shared.problems.push({
      file: place.file ?? this.shared.file,
      line: place.line,
      column: place.column,
      key: this.key,
      message,
    });
    return FAILED;
  }

  /** Fills in environment variables. */
  expand(text: string, place: Place): string | Failed {
    const expansion = expandVariables(text, this.shared.lookup);
    return 'text' in expansion ? expansion.text : this.fail(place, expansion.problem);
  }
}

/** How values of one type are read from a file and written back. */
export interface ValueType<T> {
  /** Whether INI splits an assigned value at commas for it (`list`) or not. */
  readonly shape: 'scalar' | 'list' | 'section';
  /** Completes the sentence "expected ...". */
  readonly expected: string;
  /** Dotted keys inside, for a section and a list of sections. */
  readonly keys: readonly string[];
  read(node: TreeNode, reading: Reading): T | Failed;
  /** The inverse of `read`: what it writes is read as an equal value, from any folder and in any environment. */
  write(value: T): Plain;
}
