import { decompressMessage, InOrder, isCompressed, readMessageBytes } from '@k2hft/wire';

/** Above this, nothing more is read from the connection until it is unpacked: a small message may become a large one. */
const UNPACKING_BYTES_MAX = 32 * 1024 * 1024;

/** What arrives on one connection, unpacked, in order. */
export class Inbox {
  readonly #messages: InOrder<{ message: Buffer; unpackedBytes: number }>;
  readonly #changed: () => void;
  #unpackingBytes = 0;

  /**
   * @param receive takes a message that is not compressed
   * @param fail gets a WireError for bytes that cannot be unpacked
   * @param changed called when {@link isFull} may be another
   */
  constructor(receive: (message: Buffer) => void, fail: (error: unknown) => void, changed: () => void) {
    this.#changed = changed;
    this.#messages = new InOrder(({ message, unpackedBytes }) => {
      this.#count(-unpackedBytes);
      receive(message);
    }, fail);
  }

  /** Nothing more should be read just now. */
  get isFull(): boolean {
    return this.#unpackingBytes > UNPACKING_BYTES_MAX;
  }

  /** Throws WireError for a compressed message whose header makes no sense. */
  add(message: Buffer): void {
    if (!isCompressed(message)) {
      this.#messages.add({ message, unpackedBytes: 0 });
      return;
    }
    const unpackedBytes = readMessageBytes(message);
    this.#count(unpackedBytes);
    this.#messages.addLater(
      decompressMessage(message).then((unpacked) => ({ message: unpacked, unpackedBytes })),
    );
  }

  /** What is not unpacked yet is dropped. */
  end(): void {
    this.#messages.end();
  }

  #count(bytes: number): void {
    const wasFull = this.isFull;
    this.#unpackingBytes += bytes;
    if (this.isFull !== wasFull) this.#changed();
  }
}
