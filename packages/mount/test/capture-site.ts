import type { FuseRequest } from '@k2hft/fuse';
import { Capture } from '../src/capture.js';
import type { CopySink } from '../src/copy-sink.js';
import { PendingRows } from '../src/pending-rows.js';
import type { StreamRule } from '../src/rules.js';
import { WallClock } from '../src/wall-clock.js';
import type { FakeQueue } from './fake-queue.js';

const HEADROOM = 4096;
export const NODE = 5;

/** A worker's capture on a queue that may have seen others before. */
export class Site {
  readonly rows = new PendingRows();
  readonly warnings: string[] = [];
  readonly dropped: [records: number, bytes: number][] = [];
  readonly capture: Capture;

  constructor(
    readonly queue: FakeQueue,
    ruleOfAll: StreamRule,
    sizeBytes = 0,
    clock = new WallClock(),
    copies?: CopySink,
  ) {
    this.capture = new Capture({
      queue,
      rows: this.rows,
      findRule: () => ruleOfAll,
      host: 'web1',
      clock,
      ...(copies === undefined ? {} : { copies }),
      sizeBytes: () => sizeBytes,
      dropped: (records, bytes) => this.dropped.push([records, bytes]),
      warn: (message) => this.warnings.push(message),
    });
  }

  open(handle: number): void {
    this.capture.open(handle, NODE, 'app.log');
    this.store();
  }

  write(handle: number, unique: number, offset: number, bytes: Uint8Array): void {
    const buffer = Buffer.alloc(HEADROOM + bytes.length);
    buffer.set(bytes, HEADROOM);
    const request = requestOf(unique);
    this.capture.write(request, {
      handle,
      offset,
      buffer,
      start: HEADROOM,
      end: buffer.length,
      fromCache: false,
      openFlags: 1,
    });
  }

  store(): void {
    this.queue.append([], this.rows.changes);
    this.rows.changes.clear();
  }
}

export function requestOf(unique: number, resent = false): FuseRequest {
  return { unique, uniqueLow: unique, uniqueHigh: 0, resent, nodeId: NODE, uid: 1, gid: 2, pid: 3 };
}
