import { chooseCompression, compressMessage, holdsBatches, InOrder, type Compression } from '@k2hft/wire';

/** A shorter message gains less than its own header and a turn of the event loop cost. */
const COMPRESS_BYTES_MIN = 512;

/** A message that keeps more than this of its length travels as it is: unpacking it would not be worth the while. */
const KEPT_SHARE_MAX = 0.9;

/** After a message that did not shrink, so many go without a try: what comes is likely compressed already. */
const UNTRIED_AFTER_FAILURE = 15;

/** What leaves on one connection, in order: as it is, or compressed once the server has agreed. */
export class Outbox {
  /** Bytes of messages that are being compressed, or wait for one that is. */
  waitingBytes = 0;
  #compression: Compression | undefined;
  #untried = 0;
  readonly #messages: InOrder<{ message: Buffer; givenBytes: number }>;

  /** @param send takes a message that is ready, and how long it was when it was given */
  constructor(send: (message: Buffer) => void, fail: (error: unknown) => void) {
    this.#messages = new InOrder(({ message, givenBytes }) => {
      this.waitingBytes -= givenBytes;
      send(message);
    }, fail);
  }

  /** From now on batches are compressed, if the server's choice is one that is known here. */
  agree(compression: string | undefined): void {
    this.#compression = compression === undefined ? undefined : chooseCompression([compression]);
  }

  add(message: Buffer): void {
    this.waitingBytes += message.length;
    const given = { message, givenBytes: message.length };
    const compression = this.#compression;
    if (compression === undefined || !this.#isWorthIt(message)) this.#messages.add(given);
    else this.#messages.addLater(this.#compressed(compression, message));
  }

  /** What is not sent yet never is. */
  end(): void {
    this.#messages.end();
  }

  #isWorthIt(message: Buffer): boolean {
    if (message.length < COMPRESS_BYTES_MIN || !holdsBatches(message)) return false;
    if (this.#untried === 0) return true;
    this.#untried--;
    return false;
  }

  async #compressed(
    compression: Compression,
    message: Buffer,
  ): Promise<{ message: Buffer; givenBytes: number }> {
    const compressed = await compressMessage(compression, message);
    const hasShrunk = compressed.length <= message.length * KEPT_SHARE_MAX;
    if (!hasShrunk) this.#untried = UNTRIED_AFTER_FAILURE;
    return { message: hasShrunk ? compressed : message, givenBytes: message.length };
  }
}
