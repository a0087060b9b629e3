import { execFile } from 'node:child_process';
import { closeSync, constants, existsSync, mkdtempSync, openSync, rmdirSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { messageOf, PluginError } from './errors.js';

const run = promisify(execFile);

const FIFO_NAME = 'stdin';

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
    const fifo = join(folder, FIFO_NAME);
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
    if (folder !== undefined) removeFifo(folder);
  }
}

/**
 * Not with rmSync, which looks at the FIFO with lstat: Node's loader of modules goes by what was last looked at so, and after a
 * FIFO it leaves links unresolved. Then nothing can be imported any more that has dependencies behind a link.
 */
function removeFifo(folder: string): void {
  const fifo = join(folder, FIFO_NAME);
  try {
    if (existsSync(fifo)) unlinkSync(fifo);
    rmdirSync(folder);
  } catch {
    // Somebody has cleaned up the folder of temporary files.
  }
}
