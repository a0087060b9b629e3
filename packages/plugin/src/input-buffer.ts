/**
 * What waits for a plugin's standard input, in order. It remembers the beginning of the record that was last given
 * in part, so that the next process gets it from its beginning: no process ever reads the rest of a line.
 *
 * ```
 *   written, forgotten │ given, kept (record) │ waiting (pieces)
 *   ...............\n  │ the beginning of a   │  line\n next line\n ...
 * ```
 * A record of text ends with its newline; a piece of binary data is one record.
 */

const NEWLINE = 10;

/**
 * Of an unfinished record, so much of what was given is kept. It is as much as the largest batch; of a longer line
 * without a newline, the next process gets what was not given yet.
 */
const RECORD_BYTES_MAX = 16 * 1024 * 1024;

export interface InputOptions {
  /** The bytes are one record, whatever they hold. */
  readonly isBinary?: boolean;
  /** Called once, when the last of the bytes was given to a pipe. */
  readonly taken?: () => void;
}

interface Piece extends InputOptions {
  bytes: Buffer;
}

export class InputBuffer {
  private readonly pieces: Piece[] = [];
  /** Pieces before this one are given; they are removed many at a time. */
  private first = 0;
  private record: Buffer[] = [];
  private recordBytes = 0;
  private isRecordBinary = false;
  private waiting = 0;

  /** Bytes that were not given to a pipe. */
  get waitingBytes(): number {
    return this.waiting;
  }

  /** Nothing was given of a record whose end was not. */
  get isBetweenRecords(): boolean {
    return this.recordBytes === 0;
  }

  /** The bytes must not change any more. Nothing to give is taken at once. */
  push(bytes: Buffer, options: InputOptions = {}): void {
    if (bytes.length === 0 && this.waiting === 0) {
      options.taken?.();
      return;
    }
    this.pieces.push({ bytes, ...options });
    this.waiting += bytes.length;
  }

  /** The next bytes, in at most `countMax` pieces and `bytesMax` bytes; with `toRecordEnd`, no further than the end of the record that was begun. */
  next(bytesMax: number, countMax: number, toRecordEnd = false): Buffer[] {
    const found: Buffer[] = [];
    let room = bytesMax;
    for (let index = this.first; index < this.pieces.length && found.length < countMax && room > 0; index++) {
      const piece = this.pieces[index];
      if (piece === undefined) break;
      const end = toRecordEnd ? recordEnd(piece) : -1;
      const limit = Math.min(room, end < 0 ? piece.bytes.length : end);
      if (limit > 0) found.push(limit === piece.bytes.length ? piece.bytes : piece.bytes.subarray(0, limit));
      room -= limit;
      if (end >= 0) break;
    }
    return found;
  }

  /** The pipe has taken the first `bytes` of what next() showed. */
  given(bytes: number): void {
    this.waiting -= bytes;
    let left = bytes;
    for (;;) {
      const piece = this.pieces[this.first];
      if (piece === undefined || (left === 0 && piece.bytes.length > 0)) break;
      const part = piece.bytes.subarray(0, left);
      left -= part.length;
      const isWhole = part.length === piece.bytes.length;
      this.remember(part, piece.isBinary === true, isWhole);
      if (!isWhole) {
        piece.bytes = piece.bytes.subarray(part.length);
        break;
      }
      this.first++;
      piece.taken?.();
    }
    this.compact();
  }

  /** There is a new pipe: what was given of the last record without its end is given again. */
  rewind(): void {
    const again = this.record.map((bytes): Piece => ({ bytes, isBinary: this.isRecordBinary }));
    const front = this.pieces[this.first];
    if (this.isRecordBinary && front !== undefined) {
      // One record is one piece, so that its end is recognised.
      front.bytes = Buffer.concat([...this.record, front.bytes]);
    } else {
      this.pieces.splice(0, this.first, ...again);
      this.first = 0;
    }
    this.waiting += this.recordBytes;
    this.forgetRecord();
  }

  private remember(part: Buffer, isBinary: boolean, isWhole: boolean): void {
    const end = isBinary ? (isWhole ? part.length : 0) : part.lastIndexOf(NEWLINE) + 1;
    if (end > 0 || (isBinary && isWhole)) this.forgetRecord();
    if (end >= part.length) return;
    this.isRecordBinary = isBinary;
    this.recordBytes += part.length - end;
    // A copy, since the piece can be a small part of a large buffer.
    this.record.push(Buffer.from(part.subarray(end)));
    if (this.recordBytes > RECORD_BYTES_MAX) this.forgetRecord();
  }

  private forgetRecord(): void {
    this.record = [];
    this.recordBytes = 0;
  }

  private compact(): void {
    if (this.first < 1024 && this.first < this.pieces.length) return;
    this.pieces.splice(0, this.first);
    this.first = 0;
  }
}

/** Where the first record of the piece ends; -1 when it does not end in it. */
function recordEnd(piece: Piece): number {
  return piece.isBinary === true ? piece.bytes.length : piece.bytes.indexOf(NEWLINE) + 1 || -1;
}
