import type { PendingRows, RowReader } from './pending-rows.js';

/**
 * Rests are stored in pieces of this size, so that a program which writes a long line byte by byte rewrites at
 * most one piece a write, and not the whole line.
 */
const REST_PIECE_BYTES = 8 * 1024;
const FIRST_CAPACITY_BYTES = 256;

/**
 * The bytes of a stream that wait for their newline. They live in memory and in rows: whole pieces in rows of
 * their own, the remainder inside the stream's row, which is written with every change anyway.
 */
export class UnfinishedLine {
  private bytes = Buffer.alloc(0);
  /** Rows that exist; those below currentPieces hold what they should. */
  private storedPieces = 0;
  private currentPieces = 0;
  length = 0;

  constructor(private readonly rowPrefix: string) {}

  /** The bytes themselves, valid until the next change. */
  view(): Buffer {
    return this.bytes.subarray(0, this.length);
  }

  /** Copies the bytes in front of target[at]. */
  copyBefore(target: Buffer, at: number): void {
    this.bytes.copy(target, at - this.length, 0, this.length);
  }

  append(source: Buffer, start: number, end: number): void {
    const needed = this.length + (end - start);
    if (needed > this.bytes.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.length * 2, FIRST_CAPACITY_BYTES));
      this.bytes.copy(grown, 0, 0, this.length);
      this.bytes = grown;
    }
    source.copy(this.bytes, this.length, start, end);
    this.length = needed;
  }

  clear(): void {
    this.length = 0;
    this.currentPieces = 0;
    if (this.bytes.length > REST_PIECE_BYTES) this.bytes = Buffer.alloc(0);
  }

  /** Forgets what was appended after the line was `length` bytes long. */
  shorten(length: number): void {
    this.length = length;
    this.currentPieces = Math.min(this.currentPieces, this.wholePieces());
  }

  /** What the stream's own row has to hold: everything behind the last whole piece. */
  remainder(): Buffer {
    return this.bytes.subarray(this.wholePieces() * REST_PIECE_BYTES, this.length);
  }

  /** How many bytes stand in rows of their own. */
  pieceBytes(): number {
    return this.wholePieces() * REST_PIECE_BYTES;
  }

  /** Puts the rows of whole pieces that changed since the last call; `rewrite` puts all of them. */
  putPieces(rows: PendingRows, rewrite: boolean): void {
    const whole = this.wholePieces();
    for (let piece = rewrite ? 0 : this.currentPieces; piece < whole; piece++) {
      const from = piece * REST_PIECE_BYTES;
      rows.put(this.pieceKey(piece), Buffer.from(this.bytes.subarray(from, from + REST_PIECE_BYTES)));
    }
    for (let piece = whole; piece < this.storedPieces; piece++) rows.delete(this.pieceKey(piece));
    this.storedPieces = whole;
    this.currentPieces = whole;
  }

  deletePieces(rows: PendingRows): void {
    for (let piece = 0; piece < this.storedPieces; piece++) rows.delete(this.pieceKey(piece));
    this.storedPieces = 0;
    this.currentPieces = 0;
  }

  /** Reads the rest back: `pieceBytes` from rows of their own, then `remainder`. */
  restore(stored: RowReader, pieceBytes: number, remainder: Uint8Array): void {
    this.clear();
    this.storedPieces = pieceBytes / REST_PIECE_BYTES;
    for (let piece = 0; piece < this.storedPieces; piece++) {
      const row = stored.row(this.pieceKey(piece));
      if (row === undefined)
        throw new Error(`the row ${this.pieceKey(piece)} of an unfinished line is missing`);
      this.append(Buffer.from(row), 0, row.length);
    }
    this.currentPieces = this.storedPieces;
    this.append(Buffer.from(remainder), 0, remainder.length);
  }

  private wholePieces(): number {
    return Math.floor(this.length / REST_PIECE_BYTES);
  }

  private pieceKey(piece: number): string {
    return `${this.rowPrefix}.${piece.toString().padStart(5, '0')}`;
  }
}
