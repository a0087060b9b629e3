/**
 * Bytes that were received and are not safe yet, in memory or in files. Above it nothing more is read; twice what one
 * source sends without an acknowledgement (32 MiB), so that a single source never meets it. A sink may hold as much.
 */
const UNSAFE_BYTES_MAX = 64 * 1024 * 1024;

/** Reading goes on below this. */
const UNSAFE_BYTES_LOW = 48 * 1024 * 1024;

/** How often sinks that hold too much are looked at again: they may get rid of it without telling. */
const SINK_POLL_MS = 50;

export interface GateOptions {
  /** Closed, however little is unsafe. */
  isShut: () => boolean;
  /** What the sinks hold. */
  sinkBytes: () => number;
  changed: (open: boolean) => void;
}

/** Whether more may be read from the sources: back-pressure. */
export class Gate {
  unsafeBytes = 0;
  readonly #options: GateOptions;
  #isOpen = true;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: GateOptions) {
    this.#options = options;
  }

  /** To be called whenever something of that may have changed. */
  update(): void {
    const { isShut, sinkBytes, changed } = this.#options;
    const limit = this.#isOpen ? UNSAFE_BYTES_MAX : UNSAFE_BYTES_LOW;
    const sinksTake = sinkBytes() < limit;
    if (!sinksTake) this.#lookAgain();
    const open = !isShut() && this.unsafeBytes < limit && sinksTake;
    if (open === this.#isOpen) return;
    this.#isOpen = open;
    changed(open);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #lookAgain(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.update();
    }, SINK_POLL_MS);
  }
}
