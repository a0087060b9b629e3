import { ConfigError, ExitStatus, formatProblem } from '@k2hft/config';
import { MountError } from '@k2hft/fuse';
import { QueueError } from '@k2hft/queue';

/** A command cannot do what it was asked for. The message says what to do. */
export class CommandError extends Error {
  constructor(
    readonly exitStatus: number,
    message: string,
  ) {
    super(message);
    this.name = 'CommandError';
  }
}

/** The exit status that says what kind of trouble `error` is. */
export function statusOf(error: unknown): number {
  if (error instanceof CommandError) return error.exitStatus;
  if (error instanceof ConfigError) return ExitStatus.CONFIGURATION;
  if (error instanceof MountError) {
    return error.code === 'needs_root' ? ExitStatus.NOT_PERMITTED : ExitStatus.UNAVAILABLE;
  }
  if (error instanceof QueueError) return ExitStatus.UNAVAILABLE;
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'EACCES' || code === 'EPERM') return ExitStatus.NOT_PERMITTED;
  return ExitStatus.FAULT;
}

/** What is told of a failure, as lines: what a user can mend in one, a fault of ours with its stack. */
export function explain(error: unknown): string {
  if (error instanceof ConfigError && error.problems.length > 0)
    return error.problems.map((problem) => `k2hft: ${formatProblem(problem)}\n`).join('');
  const text = error instanceof Error ? error.message : String(error);
  const isFault = statusOf(error) === ExitStatus.FAULT && !(error instanceof CommandError);
  const stack = isFault && error instanceof Error ? `\n${error.stack ?? ''}` : '';
  return `k2hft: ${text}${stack}\n`;
}
