import { closeSync, writevSync } from 'node:fs';
import { systemCode } from './errors.js';
import type { InputBuffer } from './input-buffer.js';

/** Of one writev(2): as much as a pipe of Linux holds. */
const WRITE_BYTES_MAX = 64 * 1024;
const WRITE_COUNT_MAX = 256;

/** Less than this waits for the next turn of the event loop, so that many small pieces cost one system call. */
const GATHER_BYTES = 32 * 1024;

/** After so many bytes the event loop gets its turn. */
const TURN_BYTES_MAX = 1024 * 1024;

/** A full pipe is tried again so many turns of the event loop later, then after waits that double. */
const QUICK_TRIES = 3;
const WAIT_MS_MIN = 1;
const WAIT_MS_MAX = 50;

export interface PipeWriterOptions {
  /** Of a pipe, not blocking; closed by close(). */
  readonly fd: number;
  readonly input: InputBuffer;
  /** The pipe has taken so many bytes. */
  readonly took: (bytes: number) => void;
  /** Nobody reads this pipe any more. */
  readonly broken: (error: unknown) => void;
}

/**
 * Gives an InputBuffer to a pipe, as fast as it takes it, and never waits for it. It counts exactly what was taken:
 * a stream of Node does not tell, after an error, how much of its last write is with the reader.
 */
export class PipeWriter {
  private timer: NodeJS.Timeout | undefined;
  private immediate: NodeJS.Immediate | undefined;
  private tries = 0;
  private isClosed = false;
  private isEnding = false;
  /** Whoever is told that something was taken may give more at once. */
  private isWriting = false;

  constructor(private readonly options: PipeWriterOptions) {}

  /** There is something to write. */
  pump(): void {
    if (this.timer !== undefined || this.immediate !== undefined || this.isWriting || this.isClosed) return;
    // Small pieces that come together are written together.
    if (this.options.input.waitingBytes < GATHER_BYTES) this.soon();
    else this.write();
  }

  /** From now on only the record that was begun is finished. True when that is done. */
  finishRecord(): boolean {
    this.isEnding = true;
    this.pump();
    return this.isClosed || this.nothingLeft();
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    clearTimeout(this.timer);
    clearImmediate(this.immediate);
    closeSync(this.options.fd);
  }

  private write(): void {
    this.isWriting = true;
    try {
      this.writeTurn();
    } finally {
      this.isWriting = false;
    }
  }

  private writeTurn(): void {
    const { fd, input, took, broken } = this.options;
    let turnBytes = TURN_BYTES_MAX;
    while (!this.isClosed && !this.nothingLeft()) {
      if (turnBytes <= 0) {
        this.soon();
        return;
      }
      const buffers = input.next(WRITE_BYTES_MAX, WRITE_COUNT_MAX, this.isEnding);
      let written = 0;
      try {
        if (buffers.length > 0) written = writevSync(fd, buffers);
      } catch (error) {
        if (systemCode(error) === 'EAGAIN') this.later();
        else broken(error);
        return;
      }
      this.tries = 0;
      turnBytes -= written;
      input.given(written);
      took(written);
    }
  }

  private nothingLeft(): boolean {
    const { input } = this.options;
    return this.isEnding ? input.isBetweenRecords || input.next(1, 1).length === 0 : input.waitingBytes === 0;
  }

  private soon(): void {
    this.immediate = setImmediate(() => {
      this.immediate = undefined;
      this.write();
    });
  }

  private later(): void {
    this.tries++;
    if (this.tries <= QUICK_TRIES) {
      this.soon();
      return;
    }
    const waitMs = Math.min(WAIT_MS_MAX, WAIT_MS_MIN * 2 ** (this.tries - QUICK_TRIES - 1));
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.write();
    }, waitMs);
  }
}
