import { statSync } from 'node:fs';
import { sleep, startProcess, type Cleanup } from '@k2hft/test-harness';

/** Short beside what is measured (a run takes seconds), and cheap: a stat(2) takes some microseconds. */
const POLL_MS = 2;

/** Waits until `files` together hold at least `bytes`. */
export async function waitForBytes(files: readonly string[], bytes: number, limitMs: number): Promise<void> {
  const deadline = Date.now() + limitMs;
  let held = bytesOf(files);
  while (held < bytes) {
    if (Date.now() > deadline) {
      throw new Error(`after ${limitMs} ms only ${held} of ${bytes} bytes are in ${files.join(' ')}`);
    }
    await sleep(POLL_MS);
    held = bytesOf(files);
  }
}

function bytesOf(files: readonly string[]): number {
  return files.reduce((sum, file) => sum + (statSync(file, { throwIfNoEntry: false })?.size ?? 0), 0);
}

/** Runs a program to its end; throws with what it printed when it fails. */
export async function runProgram(cleanup: Cleanup, command: string, args: readonly string[]): Promise<void> {
  const started = startProcess(cleanup, command, args);
  const status = await started.ended;
  if (status !== 0)
    throw new Error(`${command} ${args.join(' ')} ended with ${status}:\n${started.output()}`);
}

/** Throws unless both files hold the same bytes. */
export async function requireSameContent(cleanup: Cleanup, one: string, other: string): Promise<void> {
  await runProgram(cleanup, 'cmp', [one, other]);
}

/** Lets every run begin with nothing left to write back from the one before. */
export async function settleDisk(cleanup: Cleanup, folder: string): Promise<void> {
  await runProgram(cleanup, 'sync', ['-f', folder]);
}
