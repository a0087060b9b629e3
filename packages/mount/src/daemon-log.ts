import type { Socket } from 'node:net';
import { ExitStatus, openLogFile } from '@k2hft/config';
import { CommandError } from './failure.js';
import { isJournal, openJournal } from './journal-stream.js';

export interface DaemonLog {
  /** As spawn takes it for standard output and error. */
  readonly stdio: number | Socket | 'ignore';
  /** Standard error of the command itself is where the daemon logs. */
  readonly isOurs: boolean;
}

/**
 * Where a daemon's log goes: the file that is given, else the journal, else nowhere. It keeps no terminal and no
 * pipe of whoever started it: that one would wait for its end.
 */
export async function openDaemonLog(logFile: string | undefined, env: NodeJS.ProcessEnv): Promise<DaemonLog> {
  if (logFile !== undefined) return { stdio: openLogForWriting(logFile), isOurs: false };
  if (isJournal(2, env)) return { stdio: 2, isOurs: true };
  return { stdio: (await openJournal('k2hft')) ?? 'ignore', isOurs: false };
}

/** Throws CommandError. */
export function openLogForWriting(path: string): number {
  try {
    return openLogFile(path);
  } catch (error) {
    throw new CommandError(ExitStatus.UNAVAILABLE, `cannot write the log file: ${(error as Error).message}`);
  }
}
