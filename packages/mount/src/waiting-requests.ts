import {
  ERRNO,
  errnoOf,
  PARKED,
  type FuseReplies,
  type FuseRequest,
  type Parked,
  type WriteArguments,
} from '@k2hft/fuse';
import type { CapturedWrites } from './captured-writes.js';
import type { MountQueue } from './mount-queue.js';
import { Parking, type ParkedWrite } from './parking.js';

/** An fsync is given up after this long: a forwarder that was killed is back within a second, and a hang helps nobody. */
const SYNC_WAIT_MS = 30_000;

export interface WaitingRequestsOptions {
  queue: MountQueue;
  /** After so long a write that found no room gets ENOSPC. */
  maxWaitMs: number;
  /** Called when requests begin to wait, and when none waits any more. */
  onParking(waiting: boolean): void;
  warn(message: string): void;
}

/** Writes that wait for room and fsyncs that wait for a checkpoint: each is answered once, on a tick or when its program is killed. */
export class WaitingRequests {
  private readonly parking = new Parking();
  private replies: FuseReplies | undefined;
  private reportedWaiting = false;

  constructor(
    private readonly options: WaitingRequestsOptions,
    private readonly captured: CapturedWrites,
  ) {}

  /** The session that answers parked requests. */
  answerThrough(replies: FuseReplies): void {
    this.replies = replies;
  }

  get holdsWrites(): boolean {
    return this.parking.holdsWrites;
  }

  parkWrite(request: FuseRequest, write: WriteArguments): Parked {
    this.parking.parkWrite(request, write, performance.now() + this.options.maxWaitMs);
    this.reportParking();
    return PARKED;
  }

  /** Waits until what is in the queue now, and the unfinished lines that are marked, survive loss of power. */
  parkSync(request: FuseRequest): Parked {
    const ticket = this.options.queue.requestCheckpoint();
    this.parking.parkSync(request, ticket, performance.now() + SYNC_WAIT_MS);
    this.reportParking();
    return PARKED;
  }

  /**
   * The kernel tells of every signal that a waiting program gets. Only one that ends it ends the wait: no local disk
   * answers a write with EINTR, and programs do not expect it. The wait has its deadline in any case.
   */
  interrupt(unique: number): void {
    const request = this.parking.takeDying(unique);
    if (request !== undefined) this.replies?.replyError(request, ERRNO.EINTR);
    this.reportParking();
  }

  /** Answers those that need not wait any longer, and those whose time is over. */
  finish(): void {
    const { queue } = this.options;
    this.parking.retryWrites((parked) => this.finishWrite(parked));
    const nowMs = performance.now();
    for (const { request } of this.parking.takeLateWrites(nowMs)) {
      this.replies?.replyError(request, ERRNO.ENOSPC);
    }
    for (const { request } of this.parking.takeSyncs(({ ticket }) => queue.isDurable(ticket))) {
      this.replies?.replyEmpty(request);
    }
    for (const { request } of this.parking.takeSyncs(({ deadlineMs }) => deadlineMs <= nowMs)) {
      this.options.warn('an fsync was given up: the forwarder has not made the queue durable in time');
      this.replies?.replyError(request, ERRNO.EIO);
    }
    this.reportParking();
  }

  /** False: it still has to wait. */
  private finishWrite({ request, write }: ParkedWrite): boolean {
    try {
      const written = this.captured.tryWrite(request, write);
      if (written === undefined) return false;
      this.replies?.replyWritten(request, written);
    } catch (error) {
      this.replies?.replyError(request, errnoOf(error) ?? ERRNO.EIO);
    }
    return true;
  }

  private reportParking(): void {
    const waiting = !this.parking.isEmpty;
    if (waiting === this.reportedWaiting) return;
    this.reportedWaiting = waiting;
    this.options.onParking(waiting);
  }
}
