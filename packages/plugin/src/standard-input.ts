import { execFile } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { messageOf, PluginError } from './errors.js';

const run = promisify(execFile);

export interface Pipe {
  /** For the plugin; waits when there is nothing to read. */
  readonly readFd: number;
  /** For us; never waits. */
  readonly writeFd: number;
}

/**
 * A pipe. Node gives its children sockets, which a program cannot open as /dev/stdin, and does not tell how much of a
 * write the kernel has taken. A FIFO that lives for a moment in a folder of its own is a pipe once it is open.
 * Rejects with PluginError `no_pipe`.
 */
export async function openPipe(): Promise<Pipe> {
  let folder: string | undefined;
  const opened: number[] = [];
  try {
    folder = mkdtempSync(join(tmpdir(), 'k2hft-plugin-'));
    const fifo = join(folder, 'stdin');
    await run('mkfifo', ['-m', '600', fifo]);
    // Read-write first: opening one end alone waits for the other.
    const both = openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK);
    try {
      opened.push(openSync(fifo, constants.O_RDONLY));
      opened.push(openSync(fifo, constants.O_WRONLY | constants.O_NONBLOCK));
    } finally {
      closeSync(both);
    }
    const [readFd, writeFd] = opened;
    if (readFd === undefined || writeFd === undefined) throw new Error('the FIFO was not opened');
    return { readFd, writeFd };
  } catch (error) {
    for (const fd of opened) closeSync(fd);
    throw new PluginError('no_pipe', `cannot make a pipe in ${tmpdir()}: ${messageOf(error)}`, {
      cause: error,
    });
  } finally {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  }
}
