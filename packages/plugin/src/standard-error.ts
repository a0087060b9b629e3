import type { Readable } from 'node:stream';
import { printable, type Log } from '@k2hft/config';

/** Longer lines are cut, and printable() shows still less of them. */
const LINE_BYTES_MAX = 4096;

/** So many lines may come at once, and so many more per second. */
const BURST_LINES = 50;
const LINES_PER_SECOND = 10;

const NEWLINE = 10;

/** Whether a line may be logged: a bucket that fills with time. Counts what it refused. */
export class LineAllowance {
  private tokens = BURST_LINES;
  private atMs: number;
  private refused = 0;

  constructor(nowMs: number) {
    this.atMs = nowMs;
  }

  take(nowMs: number): boolean {
    this.tokens = Math.min(BURST_LINES, this.tokens + ((nowMs - this.atMs) / 1000) * LINES_PER_SECOND);
    this.atMs = nowMs;
    if (this.tokens < 1) {
      this.refused++;
      return false;
    }
    this.tokens -= 1;
    return true;
  }

  /** How many were refused since the last call. */
  takeRefused(): number {
    const { refused } = this;
    this.refused = 0;
    return refused;
  }
}

/** Cuts a stream of bytes into lines, however it arrives. Of a long line, only the beginning is kept. */
export class LineCutter {
  private kept: Buffer = Buffer.alloc(0);

  push(bytes: Buffer): string[] {
    const lines: string[] = [];
    let start = 0;
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
      this.keep(bytes.subarray(start, end));
      lines.push(this.end());
      start = end + 1;
    }
    this.keep(bytes.subarray(start));
    return lines;
  }

  /** The line that was begun, as it is; a carriage return before its end is left out. */
  end(): string {
    const text = this.kept.toString('utf8').replace(/\r$/, '');
    this.kept = Buffer.alloc(0);
    return text;
  }

  private keep(bytes: Buffer): void {
    const room = LINE_BYTES_MAX - this.kept.length;
    if (room > 0 && bytes.length > 0) this.kept = Buffer.concat([this.kept, bytes.subarray(0, room)]);
  }
}

/** Logs what a plugin says on its standard error, line by line, with its name; not more than a log can bear. */
export function logStandardError(stream: Readable, name: string, log: Log, allowance: LineAllowance): void {
  const cutter = new LineCutter();
  const say = (line: string) => {
    if (line === '' || !allowance.take(performance.now())) return;
    const refused = allowance.takeRefused();
    if (refused > 0) log('warn', `plugin ${name}: ${refused} lines of its standard error were left out`);
    log('warn', `plugin ${name} says: ${printable(line)}`);
  };
  stream.on('data', (bytes: Buffer) => {
    for (const line of cutter.push(bytes)) say(line);
  });
  stream.on('end', () => {
    say(cutter.end());
  });
  stream.on('error', () => undefined);
}
