import type { SupervisorMessage } from './forwarder-messages.js';

/** What the forwarder knows of the supervisor and the worker: the supervisor tells it each time that the mount answers. */
export class SupervisorPulse {
  restarts = { worker: 0, forwarder: 0 };
  /** The forwarder's own start counts as an answer: the first one comes within a second. */
  private answeredAtMs = performance.now();

  heard({ restarts }: SupervisorMessage & { type: 'answered' }): void {
    this.restarts = restarts;
    this.answeredAtMs = performance.now();
  }

  get answeredAgoMs(): number {
    return Math.round(performance.now() - this.answeredAtMs);
  }
}
