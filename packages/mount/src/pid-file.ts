import { accessSync, constants, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { ExitStatus, type Log } from '@k2hft/config';
import { CommandError } from './failure.js';

/** Finds out whether the file can be written, before anything is done. Throws CommandError. */
export function checkPidFile(path: string): void {
  try {
    accessSync(existsSync(path) ? path : dirname(path), constants.W_OK);
  } catch (error) {
    throw new CommandError(ExitStatus.UNAVAILABLE, `cannot write the pid file: ${(error as Error).message}`);
  }
}

/** Writes this process's id, as service managers and scripts read it. To be called when nobody else can own the file any more. */
export function writePidFile(path: string, log: Log): void {
  try {
    writeFileSync(path, `${process.pid}\n`, { mode: 0o644 });
  } catch (error) {
    log('warn', `cannot write the pid file: ${(error as Error).message}`);
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
