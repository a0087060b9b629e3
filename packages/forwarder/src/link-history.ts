import type { Amount } from './flight.js';
import type { LinkState } from './link.js';
import type { ServerStatus } from './status.js';
import { Traffic } from './traffic.js';

/** What has happened to the connections to one server since the start, for its status. */
export class LinkHistory {
  readonly traffic = new Traffic();
  #stateSinceMs = Date.now();
  #software: string | undefined;
  #welcomes = 0;
  #failures = 0;
  #lastError: { message: string; atMs: number } | undefined;

  /** No attempt to connect is over. */
  get isEmpty(): boolean {
    return this.#welcomes === 0 && this.#failures === 0;
  }

  stateChanged(): void {
    this.#stateSinceMs = Date.now();
  }

  welcomed(software: string): void {
    this.#software = software;
    this.#welcomes += 1;
  }

  failed(reason: string): void {
    this.#failures += 1;
    this.#lastError = { message: reason, atMs: Date.now() };
  }

  status(url: string, state: LinkState, inFlight: Amount): ServerStatus {
    return {
      url,
      state,
      sinceMs: this.#stateSinceMs,
      software: this.#software,
      connections: this.#welcomes,
      failures: this.#failures,
      ...this.traffic.status(performance.now()),
      inFlight: { ...inFlight },
      lastError: this.#lastError && { ...this.#lastError },
    };
  }
}
