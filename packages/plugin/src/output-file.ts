import { close, constants, fstat, mkdir, open, stat } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { printableName } from '@k2hft/config';
import { messageOf, PluginError } from './errors.js';

// Nothing here waits for a file system: the file may lie in a mount that stands still.
const closeFile = promisify(close);
const openFile = promisify(open);
const makeFolder = promisify(mkdir);
const statOpen = promisify(fstat);
const statPath = promisify(stat);

/** Where a plugin's standard output goes. */
export type PluginStdout =
  | { readonly kind: 'discard' }
  | {
      readonly kind: 'file';
      /** A byte string. Watched: when another file is there, or none, the plugin gets a new one. */
      readonly path: string;
      /** Opens it for appending, when that is not done with the path alone. */
      readonly open?: () => number;
    };

/** The files are made for everybody to read, as the umask allows. */
const FILE_MODE = 0o666;

export interface OpenedOutput {
  readonly fd: number;
  /** Whether `path` is still this file. */
  isCurrent(): Promise<boolean>;
}

/**
 * Opens the file for appending, with the directories that it needs. Rejects with PluginError `no_output`; a FIFO that
 * nobody reads is an error too, since nobody may wait for it.
 */
export async function openOutput(stdout: Extract<PluginStdout, { kind: 'file' }>): Promise<OpenedOutput> {
  const { path, open: openIt = () => openForAppending(path) } = stdout;
  let fd: number | undefined;
  try {
    fd = await openIt();
    const { dev, ino } = await statOpen(fd);
    const bytes = Buffer.from(path, 'latin1');
    const isCurrent = async () => {
      const found = await statPath(bytes).catch(() => undefined);
      return found?.dev === dev && found.ino === ino;
    };
    return { fd, isCurrent };
  } catch (error) {
    if (fd !== undefined) await closeFile(fd);
    const message = `cannot open ${printableName(path)} for its output: ${messageOf(error)}`;
    throw new PluginError('no_output', message, { cause: error });
  }
}

async function openForAppending(path: string): Promise<number> {
  const bytes = Buffer.from(path, 'latin1');
  await makeFolder(Buffer.from(dirname(path), 'latin1'), { recursive: true });
  const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT;
  const fd = await openFile(bytes, flags | constants.O_NONBLOCK, FILE_MODE);
  if ((await statOpen(fd)).isFile()) return fd;
  // For a program that does not expect it, a FIFO or a device must not be in the mode that never waits.
  await closeFile(fd);
  return openFile(bytes, flags);
}
