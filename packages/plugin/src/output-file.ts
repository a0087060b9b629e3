import { closeSync, constants, fstatSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { messageOf, PluginError } from './errors.js';

/** Where a plugin's standard output goes. */
export type PluginStdout =
  | { readonly kind: 'discard' }
  | {
      readonly kind: 'file';
      /** Watched: when another file is there, or none, the plugin gets a new one. */
      readonly path: string;
      /** Opens it for appending, when that is not done with the path alone. */
      readonly open?: () => number;
    };

/** The files are made for everybody to read, as the umask allows. */
const FILE_MODE = 0o666;

export interface OpenedOutput {
  readonly fd: number;
  /** Whether `path` is still this file. */
  isCurrent(): boolean;
}

/**
 * Opens the file for appending, with the directories that it needs. Throws PluginError `no_output`; a FIFO or a device
 * that is not ready is an error too, since nobody may wait for it here.
 */
export function openOutput(stdout: Extract<PluginStdout, { kind: 'file' }>): OpenedOutput {
  const { path, open = () => openForAppending(path) } = stdout;
  try {
    const fd = open();
    const { dev, ino } = fstatSync(fd);
    return {
      fd,
      isCurrent: () => {
        try {
          const found = statSync(path);
          return found.dev === dev && found.ino === ino;
        } catch {
          return false;
        }
      },
    };
  } catch (error) {
    throw new PluginError('no_output', `cannot open ${path} for its output: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

function openForAppending(path: string): number {
  mkdirSync(dirname(path), { recursive: true });
  const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT;
  const fd = openSync(path, flags | constants.O_NONBLOCK, FILE_MODE);
  if (fstatSync(fd).isFile()) return fd;
  // For a program that does not expect it, a FIFO or a device must not be in the mode that never waits.
  closeSync(fd);
  return openSync(path, flags);
}
