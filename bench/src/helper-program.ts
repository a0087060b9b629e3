import { join } from 'node:path';
import { startProcess, type Cleanup, type StartedProcess } from '@k2hft/test-harness';

const READY_MS = 20_000;

/** A program of the benchmark in a process of its own: it says that it is ready, and reports once when told to go. */
export interface HelperProgram<Report> {
  ready: Promise<void>;
  go(limitMs: number): Promise<Report>;
}

/** Starts one of the programs beside this file. `Report` is what that program sends. */
export function startHelper<Report>(
  cleanup: Cleanup,
  program: string,
  args: readonly (string | number)[],
): HelperProgram<Report> {
  const file = join(import.meta.dirname, program);
  const started = startProcess(cleanup, process.execPath, [file, ...args.map(String)], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const messages = new Messages(started);
  return {
    ready: messages.next(READY_MS).then(() => undefined),
    async go(limitMs) {
      started.child.send('go');
      return (await messages.next(limitMs)) as Report;
    },
  };
}

/** Hands out what a process sends, one after the other, the moment it arrives. */
class Messages {
  private readonly arrived: unknown[] = [];
  private look: () => void = () => undefined;

  constructor(private readonly program: StartedProcess) {
    program.child.on('message', (message: unknown) => {
      this.arrived.push(message);
      this.look();
    });
    program.child.once('exit', () => {
      this.look();
    });
  }

  next(limitMs: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new Error(`a program of the benchmark says nothing for ${limitMs} ms`));
      }, limitMs);
      this.look = () => {
        const { exitCode, signalCode } = this.program.child;
        if (this.arrived.length > 0) resolve(this.arrived.shift());
        else if (exitCode !== null || signalCode !== null) reject(this.failure());
        else return;
        clearTimeout(timer);
        this.look = () => undefined;
      };
      this.look();
    });
  }

  private failure(): Error {
    return new Error(`a program of the benchmark failed:\n${this.program.output()}`);
  }
}
