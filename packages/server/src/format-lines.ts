import type { LineEscape } from './format.js';

const NEWLINE = 10;
const TAB = 9;
const CARRIAGE_RETURN = 13;
const BLANK = 32;

/** How a payload is cut into records, and what of its first and last record lies in other batches. */
export interface RecordShape {
  /** The payload is one record, whatever bytes are in it. */
  whole: boolean;
  /** The first record began in an earlier batch. */
  continues: boolean;
  /** The last record goes on in a later batch. */
  staysOpen: boolean;
}

/**
 * Writes every record of the payload as texts[0], line, texts[1], line, … says, all with plain copies into one buffer:
 *
 * ```
 *   "%T %H: %l\n"  =  texts ["2024-01-01 web1: ", "\n"], lines ['l']
 * ```
 */
export function renderRecords(
  payload: Buffer,
  texts: readonly Buffer[],
  lines: readonly LineEscape[],
  shape: RecordShape,
): Buffer {
  const writer = new RecordWriter(payload, texts, lines, shape);
  let start = 0;
  do {
    const newline = shape.whole ? -1 : payload.indexOf(NEWLINE, start);
    const end = newline < 0 ? payload.length : newline;
    writer.record(start, end, newline >= 0);
    start = end + 1;
  } while (start < payload.length);
  return writer.bytes();
}

/** Bytes of a line that room is made for at first; it is doubled when they are fewer. */
const LINE_BYTES_GUESS = 64;

class RecordWriter {
  readonly #payload: Buffer;
  readonly #texts: readonly Buffer[];
  readonly #lines: readonly LineEscape[];
  readonly #shape: RecordShape;
  /** Bytes of all texts of one record. */
  readonly #textBytes: number;
  #target: Buffer;
  #length = 0;

  constructor(payload: Buffer, texts: readonly Buffer[], lines: readonly LineEscape[], shape: RecordShape) {
    this.#payload = payload;
    this.#texts = texts;
    this.#lines = lines;
    this.#shape = shape;
    this.#textBytes = texts.reduce((sum, text) => sum + text.length, 0);
    const recordsGuess = 1 + Math.ceil(payload.length / LINE_BYTES_GUESS);
    this.#target = Buffer.allocUnsafe(payload.length * lines.length + recordsGuess * this.#textBytes);
  }

  /** Writes payload[start..end) as a record; `hasNewline`: a newline follows it. */
  record(start: number, end: number, hasNewline: boolean): void {
    this.#reserve(this.#textBytes + (end + 1 - start) * this.#lines.length);
    const continues = this.#shape.continues && start === 0;
    const staysOpen = this.#shape.staysOpen && !hasNewline;
    if (!continues) this.#copy(this.#texts[0]);
    for (let index = 0; index < this.#lines.length; index++) {
      const escape = this.#lines[index];
      if (escape === 'trimmed') this.#trimmed(start, end, continues, staysOpen);
      else this.#piece(start, hasNewline && escape === 'L' ? end + 1 : end);
      // What comes behind the line, a second copy of it included, waits for the line's end.
      if (staysOpen) return;
      this.#copy(this.#texts[index + 1]);
    }
  }

  bytes(): Buffer {
    return this.#target.subarray(0, this.#length);
  }

  /** Of a record in pieces, the front of the first and the end of the last piece are trimmed. */
  #trimmed(start: number, end: number, continues: boolean, staysOpen: boolean): void {
    let from = start;
    let to = end;
    while (!continues && from < to && isBlank(this.#payload[from])) from++;
    while (!staysOpen && to > from && isBlank(this.#payload[to - 1])) to--;
    this.#piece(from, to);
  }

  #piece(start: number, end: number): void {
    this.#length += this.#payload.copy(this.#target, this.#length, start, end);
  }

  #copy(text: Buffer | undefined): void {
    if (text === undefined || text.length === 0) return;
    this.#target.set(text, this.#length);
    this.#length += text.length;
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#target.length) return;
    const larger = Buffer.allocUnsafe(Math.max(2 * this.#target.length, this.#length + bytes));
    this.#target.copy(larger, 0, 0, this.#length);
    this.#target = larger;
  }
}

function isBlank(byte: number | undefined): boolean {
  return byte === BLANK || byte === TAB || byte === CARRIAGE_RETURN || byte === NEWLINE;
}
