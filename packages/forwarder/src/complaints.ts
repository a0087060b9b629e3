import type { Log, LogLevel } from './status.js';

/** Different messages that are remembered; more than one server ever causes, so that memory stays bounded. */
const REMEMBERED_MAX = 50;

/**
 * Says each thing once until it has become better: a server that is away for a day is a line in the log and not
 * one for each attempt.
 */
export class Complaints {
  readonly #log: Log;
  readonly #said = new Set<string>();

  constructor(log: Log) {
    this.#log = log;
  }

  say(level: LogLevel, message: string): void {
    if (this.#said.has(message)) return;
    if (this.#said.size >= REMEMBERED_MAX) this.#said.clear();
    this.#said.add(message);
    this.#log(level, message);
  }

  /** All is well: what happens from now on is new. */
  forget(): void {
    this.#said.clear();
  }
}
