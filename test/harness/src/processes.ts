import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { undoAtEnd, type Cleanup } from './cleanup.js';
import { waitUntil } from './waiting.js';

export interface StartedProcess {
  readonly child: ChildProcess;
  readonly pid: number;
  /** What it printed so far on both outputs. */
  output(): string;
  /** Resolves once `text` was printed; throws with the output when the process ends first. */
  printed(text: string | RegExp): Promise<void>;
  /** Exit status, or the signal's name. */
  ended: Promise<number | NodeJS.Signals>;
}

/** Starts a child process that is killed by its process id when the test ends, if it still lives. */
export function startProcess(
  cleanup: Cleanup,
  command: string,
  args: readonly string[],
  options: SpawnOptions = {},
): StartedProcess {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
  let printedSoFar = '';
  child.stdout?.on('data', (chunk: Buffer) => (printedSoFar += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (printedSoFar += chunk.toString()));
  let isClosed = false;
  const ended = new Promise<number | NodeJS.Signals>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status, signal) => {
      isClosed = true;
      resolve(signal ?? status ?? -1);
    });
  });
  const running = () => child.exitCode === null && child.signalCode === null;
  undoAtEnd(cleanup, async () => {
    if (running()) child.kill('SIGKILL');
    await ended.catch(() => undefined);
  });
  if (child.pid === undefined) throw new Error(`cannot start ${command}`);
  return {
    child,
    pid: child.pid,
    output: () => printedSoFar,
    ended,
    async printed(text) {
      const seen = () => (typeof text === 'string' ? printedSoFar.includes(text) : text.test(printedSoFar));
      await waitUntil(`${command} prints ${String(text)}`, () => seen() || isClosed).catch(
        (error: unknown) => {
          throw new Error(`${String(error)}\n${printedSoFar}`);
        },
      );
      if (!seen()) throw new Error(`${command} ended without printing ${String(text)}:\n${printedSoFar}`);
    },
  };
}
