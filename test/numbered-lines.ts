import { createReadStream, existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { startProcess, type Cleanup } from '@k2hft/test-harness';
import type { WriterReport } from './numbered-writer.js';

const WRITER = fileURLToPath(new URL('./numbered-writer.js', import.meta.url));

/** A test that counts on some lines gets them on a machine that is slow, too. */
const LINES_LEAST = 500;

export interface Pace {
  readonly pauseMs: number;
  readonly burstLinesMax: number;
  readonly linesLeast?: number;
}

export interface NumberedWriter {
  /** Ends the writer, when it has written as much as it has to, and tells what it has seen. */
  finish(): Promise<WriterReport>;
}

/** Starts a program that writes numbered lines into `file`. */
export function startWriter(
  cleanup: Cleanup,
  file: string,
  name: string,
  { pauseMs, burstLinesMax, linesLeast = LINES_LEAST }: Pace = { pauseMs: 2, burstLinesMax: 20 },
): NumberedWriter {
  const args = [WRITER, file, name, ...[pauseMs, burstLinesMax, linesLeast].map(String)];
  const started = startProcess(cleanup, process.execPath, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  return {
    async finish() {
      started.child.stdin?.end();
      await started.ended;
      return JSON.parse(started.output()) as WriterReport;
    },
  };
}

export interface Tally {
  lines: number;
  lost: number;
  doubled: number;
  /** Lines that came behind a later one of the same writer. */
  disordered: number;
  /** Lines that no writer has written like this. */
  foreign: number;
}

/** Holds the aggregated files against what the writers say: each line once, in the order of its writer. */
export async function tallyLines(files: readonly string[], reports: readonly WriterReport[]): Promise<Tally> {
  const tally: Tally = { lines: 0, lost: 0, doubled: 0, disordered: 0, foreign: 0 };
  const seen = new Map(
    reports.map(({ name, lines }) => [name, { last: 0, flags: new Uint8Array(lines + 1) }]),
  );
  for (const file of new Set(files)) {
    if (!existsSync(file)) continue;
    for await (const text of createInterface({ input: createReadStream(file) })) {
      tally.lines++;
      const [name = '', numberText = ''] = text.split(' ', 2);
      const writer = seen.get(name);
      const number = Number(numberText);
      if (writer === undefined || !(number >= 1 && number < writer.flags.length)) {
        tally.foreign++;
        continue;
      }
      if (writer.flags[number] === 1) tally.doubled++;
      else if (number < writer.last) tally.disordered++;
      writer.flags[number] = 1;
      writer.last = Math.max(writer.last, number);
    }
  }
  for (const { flags } of seen.values()) tally.lost += flags.subarray(1).filter((flag) => flag === 0).length;
  return tally;
}
