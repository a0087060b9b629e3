import { FuseError, type FuseRequest } from '@k2hft/fuse';
import { PersistentCounter } from './nodes-counter.js';
import type { OpenHandle } from './file-tree.js';
import type { PendingRows, RowReader } from './pending-rows.js';

const ROW_PREFIX = 'hh';
const COUNTER_KEY = 'hc';
const KEY_RADIX = 36;

export interface Handle {
  readonly id: number;
  readonly nodeId: number;
  /** The flags of open(2) as the kernel passed them on. */
  readonly flags: number;
  readonly directory: boolean;
  /** The number of the request that opened it. */
  readonly unique: number;
}

/**
 * The open files and directories, as the kernel knows them. A handle outlives the process that opened it, so it is
 * stored before the kernel is told:
 *
 *     hh<id in base 36>   JSON [node id, flags, 1 for a directory, unique of the opening request]
 *     hc                  the counter of handles
 *
 * The opening request is kept because it is handed out again when its reply was lost: it must get the same handle,
 * as nobody would ever release the first one.
 */
export class HandleTable {
  private readonly handles = new Map<number, Handle>();
  private readonly counter: PersistentCounter;

  constructor(
    private readonly rows: PendingRows,
    stored: RowReader,
    fresh: boolean,
  ) {
    this.counter = new PersistentCounter(COUNTER_KEY, rows, stored, 1);
    for (const [key, value] of stored.rows(ROW_PREFIX)) {
      if (fresh) rows.delete(key);
      else this.load(key, value);
    }
  }

  private load(key: string, value: Uint8Array): void {
    const id = parseInt(key.slice(ROW_PREFIX.length), KEY_RADIX);
    const [nodeId, flags, directory, unique] = JSON.parse(Buffer.from(value).toString('latin1')) as [
      number,
      number,
      number,
      number,
    ];
    this.handles.set(id, { id, nodeId, flags, directory: directory === 1, unique });
  }

  /** The handle that an earlier worker made for this very request; undefined when none was stored. */
  madeBefore(request: FuseRequest): Handle | undefined {
    if (!request.resent) return undefined;
    for (const handle of this.handles.values()) {
      if (handle.unique === request.unique) return handle;
    }
    return undefined;
  }

  add(request: FuseRequest, nodeId: number, flags: number, directory: boolean): Handle {
    const handle = { id: this.counter.take(), nodeId, flags, directory, unique: request.unique };
    this.handles.set(handle.id, handle);
    const row = JSON.stringify([nodeId, flags, directory ? 1 : 0, request.unique]);
    this.rows.put(ROW_PREFIX + handle.id.toString(KEY_RADIX), Buffer.from(row, 'latin1'));
    return handle;
  }

  get(id: number): Handle {
    const handle = this.handles.get(id);
    if (handle === undefined) throw new FuseError('EBADF');
    return handle;
  }

  find(id: number): Handle | undefined {
    return this.handles.get(id);
  }

  /** Undefined when it is closed already: an earlier worker did it, and its reply was lost. */
  remove(id: number): Handle | undefined {
    const handle = this.handles.get(id);
    if (handle === undefined) return undefined;
    this.handles.delete(id);
    this.rows.delete(ROW_PREFIX + id.toString(KEY_RADIX));
    return handle;
  }

  all(): Iterable<Handle> {
    return this.handles.values();
  }

  *files(): Iterable<OpenHandle> {
    for (const handle of this.handles.values()) {
      if (!handle.directory) yield { handle: handle.id, nodeId: handle.nodeId, flags: handle.flags };
    }
  }
}
