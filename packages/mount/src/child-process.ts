import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { RestartPolicy } from './restart-policy.js';

/**
 * Batches live in memory that V8 does not hold itself but counts as pressure: it would mark its small heap almost
 * without a pause. Marking that small a heap at once, when it is due, costs next to nothing. What lives shortly is
 * small here, so little room is kept for it: 10 MB less for each process.
 */
const NODE_OPTIONS = ['--no-incremental-marking', '--max-semi-space-size=1'];

/** So many that hung one after the other hang for a reason that the next one will meet as well. */
const BROKEN_MAX = 3;

export interface KeptChildOptions {
  name: string;
  /** Path of the compiled program. */
  program: string;
  /** Asked at each start: what the process gets on its standard input. */
  input: () => string;
  /** Variables that it gets unless they are set already. */
  environment?: NodeJS.ProcessEnv;
  /** The first is a pipe. */
  stdio: StdioOptions;
  /** Called with each new process. */
  started: (child: ChildProcess) => void;
  /** Asked when a process has ended with status 0: whether there is nothing left to do for a next one. */
  isDone?: () => Promise<boolean>;
  /** It makes no sense to go on when it ends again and again; else it is started again for ever, with pauses. */
  isIndispensable: boolean;
  /** The policy says that it makes no sense any more. */
  givenUp: (reason: string) => void;
  warn: (message: string) => void;
}

/**
 * States of a kept child: `running` (a process lives), `waiting` (the next one is due after a delay), `ending` (it
 * is to end and stays ended), `ended`.
 */
type State = 'running' | 'waiting' | 'ending' | 'ended';

/** A child process that is started again whenever it ends, as its restart policy allows. */
export class KeptChild {
  private state: State = 'ended';
  private child: ChildProcess | undefined;
  private timer: NodeJS.Timeout | undefined;
  private readonly policy: RestartPolicy;
  private served = false;
  private killedByUs = false;
  private isReplaced = false;
  private brokenInARow = 0;
  private starts = 0;
  /** The last process has ended by itself, with status 0. */
  private isDone = false;
  private onEnded: (() => void) | undefined;

  constructor(private readonly options: KeptChildOptions) {
    this.policy = new RestartPolicy(options.isIndispensable);
  }

  get pid(): number | undefined {
    return this.child?.pid;
  }

  /** How often it was started again. */
  get restarts(): number {
    return Math.max(0, this.starts - 1);
  }

  get process(): ChildProcess | undefined {
    return this.child;
  }

  start(): void {
    const { input, started } = this.options;
    this.state = 'running';
    this.starts++;
    this.served = false;
    this.killedByUs = false;
    this.isDone = false;
    let child: ChildProcess;
    try {
      child = this.spawn();
    } catch (error) {
      // Node throws what it does not expect, such as want of memory; that may pass.
      this.neverWas(error);
      return;
    }
    this.child = child;
    child.once('error', (error) => {
      if (child.pid === undefined) this.neverWas(error);
      else this.options.warn(`the ${this.options.name}: ${error.message}`);
    });
    child.once('exit', (status, signal) => {
      this.exited(status, signal);
    });
    // A process that ends before it has read is started again with the same.
    child.stdin?.on('error', () => undefined).end(input());
    if (child.pid !== undefined) started(child);
  }

  private spawn(): ChildProcess {
    const { program, stdio, environment } = this.options;
    // A session of its own: a terminal's Ctrl-C is for the supervisor, which ends its children in order.
    return spawn(process.execPath, [...NODE_OPTIONS, program], {
      env: { ...environment, ...process.env },
      stdio,
      detached: true,
    });
  }

  /** A process that could not be started does not end either. */
  private neverWas(error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    this.options.warn(`cannot start the ${this.options.name}: ${reason}`);
    this.exited(-1, null);
  }

  /** It does what it is there for: an end from outside does not count against it. */
  markServed(): void {
    this.served = true;
    this.brokenInARow = 0;
  }

  /**
   * Kills the process because it does not work; it is started again. May be called until it has ended: one that waits for a disk which
   * hangs cannot die before that answers, and says no more against the next one than any other.
   */
  killBroken(): void {
    if (!this.killedByUs) this.brokenInARow++;
    this.killedByUs = true;
    this.child?.kill('SIGKILL');
  }

  /** Has the next process take over at once: it gets another input. That is no failure. */
  replace(): void {
    if (this.state !== 'running') return;
    this.isReplaced = true;
    this.child?.kill('SIGKILL');
  }

  /**
   * No restart any more. Resolves when the process has ended by itself, or after `graceMs` by SIGKILL: with true when the last
   * one has ended with status 0, and so has done everything that was left to do.
   */
  async end(graceMs: number): Promise<boolean> {
    clearTimeout(this.timer);
    if (this.state !== 'running') {
      this.state = 'ended';
      return this.isDone;
    }
    this.state = 'ending';
    const ended = new Promise<void>((resolve) => {
      this.onEnded = resolve;
    });
    const killer = setTimeout(() => this.child?.kill('SIGKILL'), graceMs);
    await ended;
    clearTimeout(killer);
    return this.isDone;
  }

  private isWaiting(): boolean {
    return this.state === 'waiting';
  }

  private exited(status: number | null, signal: NodeJS.Signals | null): void {
    this.child = undefined;
    this.isDone = status === 0;
    if (this.state === 'ending') {
      this.state = 'ended';
      this.onEnded?.();
      return;
    }
    void this.startAgain(status, signal);
  }

  private async startAgain(status: number | null, signal: NodeJS.Signals | null): Promise<void> {
    const { name, warn, givenUp, isDone } = this.options;
    if (this.isReplaced) {
      this.isReplaced = false;
      this.starts--;
      this.start();
      return;
    }
    this.state = 'waiting';
    if (status === 0 && isDone !== undefined && (await isDone())) return;
    // end() may have been called meanwhile.
    if (!this.isWaiting()) return;
    const killedFromOutside = signal === 'SIGKILL' && !this.killedByUs;
    const how = signal ?? `status ${status ?? -1}`;
    const decision = this.policy.decide({ atMs: performance.now(), served: this.served, killedFromOutside });
    if (!decision.restart || this.brokenInARow >= BROKEN_MAX) {
      this.state = 'ended';
      givenUp(`the ${name} ended again and again, last with ${how}`);
      return;
    }
    warn(`the ${name} ended with ${how} and is started again`);
    if (decision.afterMs === 0) this.start();
    else
      this.timer = setTimeout(() => {
        this.start();
      }, decision.afterMs);
  }
}
