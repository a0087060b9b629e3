import { isBeingKilled } from './pending-signals.js';
import { copyRequest, type FuseRequest, type WriteArguments } from '@k2hft/fuse';

/** A write that waits for room in the queue. It owns its bytes: the session's buffer serves the next request. */
export interface ParkedWrite {
  readonly request: FuseRequest;
  readonly write: WriteArguments;
  readonly deadlineMs: number;
}

/** An fsync that waits for the checkpoint. */
export interface ParkedSync {
  readonly request: FuseRequest;
  readonly ticket: number;
  readonly deadlineMs: number;
}

/**
 * The requests that are not answered yet. Writes keep their order: once one waits for room, later ones wait
 * behind it, so that a large write is not starved by small ones.
 */
export class Parking {
  /** `isDying` tells of a thread whether a signal is about to end it. */
  constructor(private readonly isDying: (pid: number) => boolean = isBeingKilled) {}

  private writes: ParkedWrite[] = [];
  private syncs: ParkedSync[] = [];

  get isEmpty(): boolean {
    return this.writes.length === 0 && this.syncs.length === 0;
  }

  get holdsWrites(): boolean {
    return this.writes.length > 0;
  }

  parkWrite(request: FuseRequest, write: WriteArguments, deadlineMs: number): void {
    const buffer = Buffer.from(write.buffer.subarray(write.start, write.end));
    const own: WriteArguments = { ...write, buffer, start: 0, end: buffer.length };
    this.writes.push({ request: copyRequest(request), write: own, deadlineMs });
  }

  parkSync(request: FuseRequest, ticket: number, deadlineMs: number): void {
    this.syncs.push({ request: copyRequest(request), ticket, deadlineMs });
  }

  /** Gives each waiting write, in order, to `tryWrite` until that returns false. */
  retryWrites(tryWrite: (parked: ParkedWrite) => boolean): void {
    let first = this.writes[0];
    while (first !== undefined && tryWrite(first)) {
      this.writes.shift();
      first = this.writes[0];
    }
  }

  /** Takes out the writes whose time is over. */
  takeLateWrites(nowMs: number): ParkedWrite[] {
    const late = this.writes.filter(({ deadlineMs }) => deadlineMs <= nowMs);
    if (late.length > 0) this.writes = this.writes.filter(({ deadlineMs }) => deadlineMs > nowMs);
    return late;
  }

  /** Takes out the syncs that are settled: `finished` says which tickets are durable. */
  takeSyncs(settled: (parked: ParkedSync) => boolean): ParkedSync[] {
    const taken = this.syncs.filter(settled);
    if (taken.length > 0) this.syncs = this.syncs.filter((parked) => !taken.includes(parked));
    return taken;
  }

  /** Takes out the request with this number if its caller is being killed; undefined when it goes on waiting. */
  takeDying(unique: number): FuseRequest | undefined {
    const isIt = (parked: { request: FuseRequest }) => parked.request.unique === unique;
    const found = this.writes.find(isIt) ?? this.syncs.find(isIt);
    if (found === undefined || !this.isDying(found.request.pid)) return undefined;
    this.writes = this.writes.filter((parked) => !isIt(parked));
    this.syncs = this.syncs.filter((parked) => !isIt(parked));
    return found.request;
  }
}
