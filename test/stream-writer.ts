/**
 * A program that logs into several files: writes a numbered line into each of them, one line per write, again and
 * again until its standard input ends. Prints what it has seen as JSON: a WriterReport for each file.
 *
 * Arguments: the folder, the number of files, the pause between rounds in milliseconds.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { WriterReport } from './numbered-writer.js';

const PADDING = 'abcdefghijklmnopqrstuvwxyz'.repeat(4);

const [folder = '', countText = '1', pauseText = '10'] = process.argv.slice(2);
const reports: WriterReport[] = Array.from({ length: Number(countText) }, (_, index) => ({
  name: `stream${index}`,
  file: join(folder, `stream${index}.log`),
  lines: 0,
  longestStallMs: 0,
  error: undefined,
}));
const streams = reports.map((report) => ({ report, fd: openSync(report.file, 'a') }));
let stopping = false;

function go(): void {
  for (const { report, fd } of streams) {
    const before = performance.now();
    try {
      writeSync(fd, `${report.name} ${report.lines + 1} ${PADDING}\n`);
      report.lines++;
    } catch (error) {
      report.error ??= String(error);
    }
    report.longestStallMs = Math.max(report.longestStallMs, performance.now() - before);
  }
  if (!stopping) {
    setTimeout(go, Number(pauseText));
    return;
  }
  for (const { fd } of streams) closeSync(fd);
  process.stdout.write(JSON.stringify(reports), () => process.exit(0));
}

process.stdin.on('end', () => (stopping = true)).resume();
go();
