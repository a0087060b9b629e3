import type { ConnectionHost } from './connection-host.js';
import { Throttle } from './throttle.js';

/** What may come before it is known who it is: a hello has some hundred bytes, and a long token 2 KiB. */
export const STRANGER_BYTES_MAX = 64 * 1024;

export interface IntakeEvents {
  /** More has come than {@link STRANGER_BYTES_MAX}, and it is not known who it is. */
  readonly tooMuch: () => void;
  /** {@link Intake.isHeld} may be another. */
  readonly changed: () => void;
}

/** Counts the bytes of one connection as they come from the network, before they are messages. */
export class Intake {
  readonly #host: Pick<ConnectionHost, 'limits' | 'partial'>;
  readonly #events: IntakeEvents;
  readonly #throttle = new Throttle();
  /** Runs while more has come than the rate allows. */
  #throttled: NodeJS.Timeout | undefined;
  #isKnown = false;
  #isOver = false;
  #strangerBytes = 0;
  #partialBytes = 0;
  /** A message was whole since bytes were counted last. */
  #isWhole = false;

  constructor(host: Pick<ConnectionHost, 'limits' | 'partial'>, events: IntakeEvents) {
    this.#host = host;
    this.#events = events;
  }

  /** Nothing more should be read just now. */
  get isHeld(): boolean {
    return this.#throttled !== undefined;
  }

  /** What has come of a message that is not whole yet: about, and rather less. */
  get partialBytes(): number {
    return this.#partialBytes;
  }

  /** It has said who it is. */
  admit(): void {
    this.#isKnown = true;
  }

  /** A message is whole; its bytes may be counted only after this. */
  whole(): void {
    this.#isWhole = true;
  }

  count(bytes: number): void {
    if (this.#isOver) return;
    if (!this.#isKnown) {
      this.#strangerBytes += bytes;
      if (this.#strangerBytes > STRANGER_BYTES_MAX) this.#events.tooMuch();
      return;
    }
    this.#setPartial(this.#isWhole ? 0 : this.#partialBytes + bytes);
    this.#isWhole = false;
    const { bytesPerSecond } = this.#host.limits;
    const waitMs = this.#throttle.take(bytes, bytesPerSecond, performance.now());
    if (waitMs === 0 || this.isHeld || this.#isEnded()) return;
    this.#throttled = setTimeout(() => {
      this.#throttled = undefined;
      this.#events.changed();
    }, waitMs);
    this.#events.changed();
  }

  /** The connection has ended: nothing is counted any more. */
  end(): void {
    clearTimeout(this.#throttled);
    this.#setPartial(0);
    this.#isOver = true;
  }

  /** It may have ended while its bytes were counted: too many of all connections together. */
  #isEnded(): boolean {
    return this.#isOver;
  }

  #setPartial(bytes: number): void {
    const added = bytes - this.#partialBytes;
    this.#partialBytes = bytes;
    if (added !== 0) this.#host.partial(added);
  }
}
