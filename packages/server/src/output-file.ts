import { closeSync, fdatasync, fstatSync, ftruncateSync, readSync, writevSync } from 'node:fs';
import { promisify } from 'node:util';
import { messageOf } from './errors.js';

const fdatasyncAsync = promisify(fdatasync);

const NEWLINE = 10;

/** The last byte of the file is no newline: whose line is it? */
export interface Tail {
  /** Source and stream that wrote it; empty when that is not known. */
  stream: string;
  /** The stream's last record goes on in its next batch. */
  midRecord: boolean;
  /** That record is a binary chunk: what follows does not begin a new line. */
  binary?: boolean;
}

/** What is known of a file durably: all that is needed to cut it back and to go on. */
export interface FileRecord {
  /** Below the output directory, as a string of bytes. */
  name: string;
  length: number;
  tail: Tail | undefined;
  /** When the first bytes came into it, milliseconds since 1970; missing in records of earlier versions. */
  sinceMs?: number;
}

/** Nothing can be written for now, as on a full disk: what was to be appended is not in the file. */
export class OutputBlocked extends Error {
  override readonly name = 'OutputBlocked';
}

/** An open output file. Whoever appends has made sure that the file is recorded durably. */
export class OutputFile {
  tail: Tail | undefined;
  /** Uncommitted groups with bytes of this file: it must stay open. */
  unsafeGroupCount = 0;
  /** A newer file is to take its place under its name: no more appends. */
  stale = false;
  /** It is stale because it is to be rotated. */
  rotates = false;
  /** Its record is durable: appends may come. */
  registered = false;
  /** Since when it is to be rotated, on the monotonic clock; undefined: it is not. */
  dueSinceMs: number | undefined;
  /** A rotation that failed is not tried again before, on the monotonic clock. */
  rotateNotBeforeMs = 0;
  /** When it was last seen to be what its name stands for, on the monotonic clock. */
  seenAtMs = performance.now();
  #length: number;
  #closed = false;

  constructor(
    readonly name: string,
    readonly identity: string,
    readonly fd: number,
    length: number,
    /** When the first bytes came into it, milliseconds since 1970. */
    public sinceMs: number,
  ) {
    this.#length = length;
    this.tail = readTail(fd, length);
  }

  get length(): number {
    return this.#length;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Takes over what is recorded, when the file is as it was then. */
  adopt(record: FileRecord | undefined): void {
    if (record === undefined) return;
    if (record.length === this.#length) this.tail = record.tail;
    this.sinceMs = record.sinceMs ?? this.sinceMs;
  }

  record(): FileRecord {
    return { name: this.name, length: this.#length, tail: this.tail, sinceMs: this.sinceMs };
  }

  /**
   * Appends all buffers with one system call. Throws {@link OutputBlocked} when they do not fit, and leaves the file as it
   * was; another error of the system means that nobody knows how it is.
   */
  append(buffers: readonly Buffer[], bytes: number): void {
    let written: number;
    try {
      written = writevSync(this.fd, buffers);
    } catch (error) {
      if (isNoRoom(error)) throw new OutputBlocked(messageOf(error), { cause: error });
      throw error;
    }
    if (written < bytes) {
      ftruncateSync(this.fd, fstatSync(this.fd).size - written);
      throw new OutputBlocked(`only ${written} of ${bytes} bytes could be written`);
    }
    if (this.#length === 0) this.sinceMs = Date.now();
    this.#length += bytes;
  }

  /**
   * Looks at the file as it is now. `changed`: somebody else has cut or written it, and its present state is what
   * counts from here on. `deleted`: it has no name any more.
   */
  inspect(): { changed: boolean; deleted: boolean } {
    const { size, nlink } = fstatSync(this.fd);
    const changed = size !== this.#length;
    if (changed) {
      this.#length = size;
      this.tail = readTail(this.fd, size);
    }
    return { changed, deleted: nlink === 0 };
  }

  async sync(): Promise<void> {
    await fdatasyncAsync(this.fd);
  }

  close(): void {
    this.#closed = true;
    closeSync(this.fd);
  }
}

/** The system's words for a full disk or a used up quota. */
export function isNoRoom(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT');
}

function readTail(fd: number, length: number): Tail | undefined {
  if (length === 0) return undefined;
  const byte = Buffer.alloc(1);
  readSync(fd, byte, 0, 1, length - 1);
  return byte[0] === NEWLINE ? undefined : { stream: '', midRecord: false };
}
