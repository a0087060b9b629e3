import { execFileSync } from 'node:child_process';
import { closeSync, constants, existsSync, openSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { errorCode } from './errors.js';

/*
 * How the worker wakes the forwarder: a byte into the FIFO `wake` in the queue's directory.
 *
 * The worker writes at most one byte per WAKE_INTERVAL_MS, and the forwarder looks for new batches every
 * millisecond for POLL_AFTER_WAKE_MS after it has read a byte. So no batch is overlooked: say a batch was committed
 * at time t, and its wake was left out because the last byte had been written at w, t - w < 2 ms. The forwarder
 * read that byte at r >= w and polls until r + 5 ms >= w + 5 ms > t: one of these polls comes after t and finds
 * the batch. It needs clocks of no two processes: each measures only its own intervals. A forwarder that is held
 * up polls late, but it polls after the commit all the same. That the worker measures after the commit makes
 * t - w the true distance. Against everything else, such as a FIFO that somebody has emptied, the consumer also
 * looks once a second.
 */
export const WAKE_INTERVAL_MS = 2;
const POLL_AFTER_WAKE_MS = 5;
const POLL_INTERVAL_MS = 1;
const SAFETY_POLL_MS = 1000;

function wakeFifo(directory: string): string {
  return join(directory, 'wake');
}

/** Node has no call for it; done once by the supervisor. */
export function makeWakeFifo(directory: string): string {
  const fifo = wakeFifo(directory);
  if (!existsSync(fifo)) {
    try {
      execFileSync('mkfifo', ['-m', '600', fifo], { stdio: ['ignore', 'ignore', 'pipe'] });
    } catch (error) {
      if (!existsSync(fifo)) throw error;
    }
  }
  return fifo;
}

/** Read-write: opening never waits for the other side, and writing never finds nobody. */
function openFifo(directory: string): number {
  return openSync(wakeFifo(directory), constants.O_RDWR | constants.O_NONBLOCK);
}

/** The worker's end. */
export class Waker {
  private readonly descriptor: number;
  private readonly byte = Buffer.from([1]);
  private wokeAtMs = -Infinity;

  constructor(
    directory: string,
    private readonly nowMs: () => number = () => performance.now(),
  ) {
    this.descriptor = openFifo(directory);
  }

  /** To be called after the commit. True when a byte was written. */
  wake(): boolean {
    const nowMs = this.nowMs();
    if (nowMs - this.wokeAtMs < WAKE_INTERVAL_MS) return false;
    this.wokeAtMs = nowMs;
    try {
      writeSync(this.descriptor, this.byte, 0, 1);
    } catch (error) {
      // A full FIFO holds bytes enough to wake anybody.
      if (errorCode(error) !== 'EAGAIN') throw error;
    }
    return true;
  }

  close(): void {
    closeSync(this.descriptor);
  }
}

/**
 * The forwarder's end, with the polling: calls `look` at every wake, then each millisecond as long as a wake may
 * have been left out, and once a second in any case.
 */
export class WakeListener {
  private readonly socket: Socket;
  private readonly safety: NodeJS.Timeout;
  private polling: NodeJS.Timeout | undefined;
  private pollUntilMs = 0;

  constructor(
    directory: string,
    private readonly look: () => void,
    safetyPollMs = SAFETY_POLL_MS,
  ) {
    this.socket = new Socket({ fd: openFifo(directory), readable: true, writable: false });
    this.socket.on('data', () => {
      this.woken();
    });
    // The safety poll goes on without it.
    this.socket.on('error', () => undefined);
    this.safety = setInterval(look, safetyPollMs);
    this.woken();
  }

  close(): void {
    clearInterval(this.safety);
    clearInterval(this.polling);
    this.polling = undefined;
    this.socket.destroy();
  }

  private woken(): void {
    this.pollUntilMs = performance.now() + POLL_AFTER_WAKE_MS;
    this.look();
    this.polling ??= setInterval(() => {
      this.poll();
    }, POLL_INTERVAL_MS);
  }

  private poll(): void {
    // Whether this is the last one is decided before it looks: a look that began in time may be the one that counts.
    const isLast = performance.now() >= this.pollUntilMs;
    if (isLast) {
      clearInterval(this.polling);
      this.polling = undefined;
    }
    this.look();
  }
}
