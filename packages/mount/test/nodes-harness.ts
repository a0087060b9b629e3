import type { DirectoryFiller, Entry, FuseRequest } from '@k2hft/fuse';
import type { FileTree } from '../src/file-tree.js';
import { PendingRows, type RowReader } from '../src/pending-rows.js';

/** What the queue is to a tree: rows that survive the worker, changed in one step per request. */
export class MemoryRows implements RowReader {
  private readonly stored = new Map<string, Uint8Array>();
  readonly pending = new PendingRows();

  commit(): void {
    for (const [key, value] of this.pending.changes) {
      if (value === undefined) this.stored.delete(key);
      else this.stored.set(key, Uint8Array.from(value));
    }
    this.pending.changes.clear();
  }

  /** The worker is killed before it has stored anything of the request. */
  discard(): void {
    this.pending.changes.clear();
  }

  row(key: string): Uint8Array | undefined {
    return this.stored.get(key);
  }

  *rows(prefix: string): Iterable<[key: string, value: Uint8Array]> {
    for (const key of [...this.stored.keys()].sort()) {
      const value = this.stored.get(key);
      if (key.startsWith(prefix) && value !== undefined) yield [key, value];
    }
  }

  keys(prefix = ''): string[] {
    return [...this.stored.keys()].filter((key) => key.startsWith(prefix)).sort();
  }
}

let lastUnique = 0;

export function requestFor(nodeId: number, fields: Partial<FuseRequest> = {}): FuseRequest {
  const unique = ++lastUnique;
  return {
    unique,
    uniqueLow: unique,
    uniqueHigh: 0,
    resent: false,
    nodeId,
    uid: 0,
    gid: 0,
    pid: 1,
    ...fields,
  };
}

/** The same request, as the next worker gets it. */
export function again(request: FuseRequest): FuseRequest {
  return { ...request, resent: true };
}

export interface ListedName {
  name: string;
  ino: number;
  mode: number;
  entry: Entry | undefined;
}

/** Reads a whole directory in replies of `perReply` entries. */
export function listAll(tree: FileTree, nodeId: number, plus: boolean, perReply = 3): ListedName[] {
  const handle = tree.opendir(requestFor(nodeId), 0).handle;
  const names: ListedName[] = [];
  let offset = 0;
  for (let before = -1; names.length !== before;) {
    before = names.length;
    let room = perReply;
    const add = (entry: { name: string; ino: number; mode: number }, next: number, looked?: Entry) => {
      if (room-- === 0) return false;
      names.push({ ...entry, entry: looked });
      offset = next;
      return true;
    };
    const filler: DirectoryFiller = { add, addWithEntry: add };
    if (plus) tree.readdirplus(requestFor(nodeId), handle, offset, filler);
    else tree.readdir(requestFor(nodeId), handle, offset, filler);
  }
  tree.releasedir(requestFor(nodeId), handle);
  return names;
}

export function writeText(
  tree: FileTree,
  nodeId: number,
  handle: number,
  offset: number,
  text: string,
): number {
  const buffer = Buffer.from(text, 'latin1');
  return tree.write(requestFor(nodeId), { handle, offset, buffer, start: 0, end: buffer.length });
}

export function readText(
  tree: FileTree,
  nodeId: number,
  handle: number,
  offset = 0,
  length = 1 << 17,
): string {
  const target = Buffer.alloc(length, 0xee);
  return target.toString('latin1', 0, tree.read(requestFor(nodeId), handle, offset, target));
}

/** The name of the error that `call` throws. */
export function errorOf(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
  return 'no error';
}
