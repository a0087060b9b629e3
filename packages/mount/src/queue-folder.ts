import { accessSync, constants, mkdirSync } from 'node:fs';
import { ExitStatus } from '@k2hft/config';
import { CommandError } from './failure.js';

/** Makes the queue's directory. Throws CommandError where this user cannot use it. */
export function prepareQueueFolder(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    accessSync(directory, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EACCES' && code !== 'EPERM' && code !== 'EROFS') throw error;
    throw new CommandError(
      ExitStatus.NOT_PERMITTED,
      `the queue directory ${directory} cannot be written by this user: give another one as queue.dir`,
    );
  }
}
