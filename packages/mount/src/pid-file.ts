import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { ExitStatus } from '@k2hft/config';
import { CommandError } from './failure.js';

/** Writes this process's id, as service managers and scripts read it. Throws CommandError. */
export function writePidFile(path: string): void {
  try {
    writeFileSync(path, `${process.pid}\n`, { mode: 0o644 });
  } catch (error) {
    throw new CommandError(ExitStatus.UNAVAILABLE, `cannot write the pid file: ${(error as Error).message}`);
  }
}

/** Takes the file away unless it is another process's by now. */
export function removePidFile(path: string): void {
  try {
    if (readFileSync(path, 'utf8').trim() === String(process.pid)) rmSync(path);
  } catch {
    // It is gone already, or its folder is read-only: who reads it has to look whether the process lives in any case.
  }
}
