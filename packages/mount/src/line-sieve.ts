import type { LineReader, TextKind } from './line-reader.js';

/** A line of UTF-8 has at most so many bytes for a character of JavaScript. */
const BYTES_PER_CHARACTER_MAX = 3;

/** Text that stands in a line's place. */
interface Written {
  readonly text: string;
  readonly encoding: 'utf8' | 'latin1';
}

/**
 * Gathers what is left of lines: runs of bytes that stay as they are, and texts in place of others. A line for which
 * nothing is called is gone. Nothing is copied until all is known, and nothing at all when one run is left.
 */
export class LineSieve {
  /** Runs of the source, each with the text that stands behind it, if any. */
  private readonly starts: number[] = [];
  private readonly ends: number[] = [];
  private readonly texts: (Written | undefined)[] = [];
  private runStart: number;
  private runEnd: number;

  constructor(
    private readonly source: Buffer,
    private readonly start: number,
    private readonly end: number,
  ) {
    this.runStart = start;
    this.runEnd = start;
  }

  /** The reader's present line stays. */
  keep(reader: Pick<LineReader, 'start' | 'next'>): void {
    if (this.runEnd !== reader.start) {
      this.close(undefined);
      this.runStart = reader.start;
    }
    this.runEnd = reader.next;
  }

  /** `text` stands in place of the line; the newline stays. */
  replace(reader: Pick<LineReader, 'start' | 'end' | 'next'>, text: string, kind: TextKind): void {
    if (this.runEnd !== reader.start) {
      this.close(undefined);
      this.runStart = reader.start;
      this.runEnd = reader.start;
    }
    this.close({ text, encoding: kind === 'raw' ? 'latin1' : 'utf8' });
    this.runStart = reader.end;
    this.runEnd = reader.next;
  }

  get isUnchanged(): boolean {
    return this.starts.length === 0 && this.runStart === this.start && this.runEnd === this.end;
  }

  /** A view of the source when one run of it is left, else a buffer of its own. Nothing may follow. */
  result(): Buffer {
    if (this.starts.length === 0) return this.source.subarray(this.runStart, this.runEnd);
    this.close(undefined);
    const target = Buffer.allocUnsafe(this.lengthMax());
    let at = 0;
    for (let index = 0; index < this.starts.length; index++) {
      at += this.source.copy(target, at, this.starts[index], this.ends[index]);
      const written = this.texts[index];
      if (written !== undefined) at += target.write(written.text, at, written.encoding);
    }
    return target.subarray(0, at);
  }

  /** Ends the run, with a text behind it or none. */
  private close(text: Written | undefined): void {
    if (this.runStart === this.runEnd && text === undefined) return;
    this.starts.push(this.runStart);
    this.ends.push(this.runEnd);
    this.texts.push(text);
  }

  private lengthMax(): number {
    let length = this.end - this.start;
    for (const written of this.texts) {
      if (written !== undefined) length += written.text.length * BYTES_PER_CHARACTER_MAX;
    }
    return length;
  }
}
