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

/** Says on stderr what went wrong: one line for what a user can mend, the stack for a fault of ours. */
export function report(error: unknown): void {
  if (error instanceof ConfigError) {
    for (const problem of error.problems) process.stderr.write(`k2hft: ${formatProblem(problem)}\n`);
    if (error.problems.length === 0) process.stderr.write(`k2hft: ${error.message}\n`);
    return;
  }
  const text = error instanceof Error ? error.message : String(error);
  const stack =
    error instanceof Error && statusOf(error) === ExitStatus.FAULT ? `\n${error.stack ?? ''}` : '';
  process.stderr.write(`k2hft: ${text}${stack}\n`);
}
