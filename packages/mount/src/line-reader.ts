import { isAscii, isUtf8 } from 'node:buffer';

/**
 * How a line's text stands for its bytes: `plain`, UTF-8 without code points above U+FFFF; `unicode`, UTF-8 with some; `raw`, a line
 * that is not valid UTF-8, with one character for each byte (latin1).
 */
export type TextKind = 'plain' | 'unicode' | 'raw';

const NEWLINE = '\n';
const BEYOND_ASCII = /[\x80-\xff]/;
const SURROGATE = /[\ud800-\udfff]/;

/**
 * Reads lines out of bytes, one after the other, as text. All bytes become one string once, of one byte per character, which V8
 * makes at memory's speed; a line is a part of it that nobody copies. Bytes that are UTF-8 as a whole are decoded as a whole, others line by line.
 */
export class LineReader {
  /** The present line is source[start..end), without its newline. */
  start = 0;
  end = 0;
  /** Where the next line begins. */
  next: number;
  text = '';
  kind: TextKind = 'plain';
  private readonly bytes: string;
  private readonly isAscii: boolean;
  /** All lines, when all of them are UTF-8 and some are not ASCII. */
  private readonly decoded: string | undefined;
  private readonly hasSurrogates: boolean;
  private decodedNext = 0;

  constructor(
    private readonly source: Buffer,
    private readonly from: number,
    private readonly to: number,
  ) {
    this.next = from;
    this.bytes = source.toString('latin1', from, to);
    const view = source.subarray(from, to);
    this.isAscii = isAscii(view);
    this.decoded = this.isAscii || !isUtf8(view) ? undefined : view.toString();
    this.hasSurrogates = this.decoded !== undefined && SURROGATE.test(this.decoded);
  }

  /** Goes to the next line; false when there is none. */
  advance(): boolean {
    const { from, next, to } = this;
    if (next >= to) return false;
    const newline = this.bytes.indexOf(NEWLINE, next - from);
    this.start = next;
    this.end = newline < 0 ? to : newline + from;
    this.next = newline < 0 ? to : this.end + 1;
    if (this.decoded === undefined) {
      this.text = this.bytes.slice(next - from, this.end - from);
      if (!this.isAscii) this.decodeLine();
    } else {
      this.takeDecoded(this.decoded);
    }
    return true;
  }

  private takeDecoded(decoded: string): void {
    const newline = decoded.indexOf(NEWLINE, this.decodedNext);
    this.text = decoded.slice(this.decodedNext, newline < 0 ? undefined : newline);
    this.decodedNext = newline + 1;
    this.kind = this.hasSurrogates && SURROGATE.test(this.text) ? 'unicode' : 'plain';
  }

  private decodeLine(): void {
    this.kind = 'plain';
    if (!BEYOND_ASCII.test(this.text)) return;
    const line = this.source.subarray(this.start, this.end);
    if (isUtf8(line)) {
      this.text = line.toString();
      if (SURROGATE.test(this.text)) this.kind = 'unicode';
    } else {
      this.kind = 'raw';
    }
  }
}
