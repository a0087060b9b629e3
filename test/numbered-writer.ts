/**
 * A program that logs: writes numbered lines into a file until its standard input ends and there are enough of them, in
 * writes that hold several lines, one line, or parts of one. Prints what it has seen as JSON, errors included.
 *
 * Arguments: the file, the writer's name, the mean pause between bursts in milliseconds, lines in a burst at most, lines
 * in all at least.
 */
import { closeSync, openSync, writeSync } from 'node:fs';

export interface WriterReport {
  name: string;
  file: string;
  lines: number;
  longestStallMs: number;
  error: string | undefined;
}

const PADDING = 'abcdefghijklmnopqrstuvwxyz'.repeat(8);

const [file = '', name = '', pauseText = '2', burstText = '20', leastText = '0'] = process.argv.slice(2);
const pauseMs = Number(pauseText);
const burstLinesMax = Number(burstText);
const linesLeast = Number(leastText);
let lines = 0;
let longestStallMs = 0;
let error: string | undefined;
let isTold = false;
let hasFailed = false;

const fd = openSync(file, 'a');

function timedWrite(bytes: Buffer): void {
  let at = 0;
  while (at < bytes.length) {
    const before = performance.now();
    at += writeSync(fd, bytes, at);
    longestStallMs = Math.max(longestStallMs, performance.now() - before);
  }
}

function line(): Buffer {
  lines++;
  return Buffer.from(`${name} ${lines} ${PADDING.slice(0, Math.floor(Math.random() * PADDING.length))}\n`);
}

function writeBurst(): void {
  const count = 1 + Math.floor(Math.random() * burstLinesMax);
  const way = Math.random();
  if (way < 0.4) {
    for (let written = 0; written < count; written++) timedWrite(line());
  } else {
    const bytes = Buffer.concat(Array.from({ length: count }, line));
    const cut = way < 0.7 ? bytes.length : Math.floor(Math.random() * bytes.length);
    timedWrite(bytes.subarray(0, cut));
    timedWrite(bytes.subarray(cut));
  }
}

function go(): void {
  const goesOn = () => !hasFailed && (!isTold || lines < linesLeast);
  try {
    if (goesOn()) writeBurst();
  } catch (caught) {
    error = String(caught);
    hasFailed = true;
  }
  if (goesOn()) {
    setTimeout(go, Math.random() * 2 * pauseMs);
    return;
  }
  try {
    closeSync(fd);
  } catch (caught) {
    error ??= String(caught);
  }
  const report: WriterReport = { name, file, lines, longestStallMs, error };
  process.stdout.write(JSON.stringify(report), () => process.exit(0));
}

process.stdin.on('end', () => (isTold = true)).resume();
go();
