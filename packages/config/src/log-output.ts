import { openSync, writeSync } from 'node:fs';

/** Takes one whole line of the log. */
export type LogWriter = (line: string) => void;

/** Others than root and the group have no business with paths and host names. */
const LOG_FILE_MODE = 0o640;

/** Opens a log file for appending, so that several processes and a rotation by `copytruncate` go together. Throws the system's error. */
export function openLogFile(path: string): number {
  return openSync(path, 'a', LOG_FILE_MODE);
}

/**
 * Writes lines to an open file, at once and in order. A log that nobody takes any more (the reader of a pipe has ended,
 * the disk is full) must not stop what it tells of: such a line is lost.
 */
export function appendTo(fd: number): LogWriter {
  return (line) => {
    try {
      writeSync(fd, line);
    } catch {
      // There is nobody left to tell.
    }
  };
}
