import { spawn } from 'node:child_process';
import { MountError } from './mount-error.js';

export interface ProgramResult {
  /** Exit status; null when it was killed. */
  status: number | null;
  /** What it wrote to standard error. */
  complaint: string;
  timedOut: boolean;
}

export interface ProgramOptions {
  /** A file descriptor that the program gets as its number 3. */
  fd?: number;
  limitMs: number;
}

/**
 * Runs a program of the system with messages in English. One that takes longer than `limitMs` is sent SIGKILL and
 * not waited for: in a file call that a hung mount does not answer, not even that ends it.
 */
export function runProgram(
  command: string,
  args: readonly string[],
  options: ProgramOptions,
): Promise<ProgramResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      stdio: ['ignore', 'ignore', 'pipe', ...(options.fd === undefined ? [] : [options.fd])],
      env: { ...process.env, LC_ALL: 'C' },
    });
    let complaint = '';
    child.stderr?.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      child.stderr?.destroy();
      child.unref();
      resolve({ status: null, complaint: complaint.trim(), timedOut: true });
    }, options.limitMs);
    child.once('error', (cause) => {
      clearTimeout(timer);
      reject(
        new MountError(
          'no_program',
          `cannot run ${command}: install util-linux and coreutils, and for fusermount fuse3`,
          { cause },
        ),
      );
    });
    child.once('close', (status) => {
      clearTimeout(timer);
      resolve({ status, complaint: complaint.trim(), timedOut: false });
    });
  });
}
