/**
 * Whether the other side still lives, judged once per heartbeat. A sign of life is anything that was received, and
 * any progress in what was sent: on a slow line the answer to a ping can stand behind much data for a long time.
 */
export class Pulse {
  readonly #heartbeatMs: number;
  readonly #silentAfterMs: number;
  #heardMs: number;
  #beatMs: number;
  #takenBytes = 0;

  constructor(heartbeatMs: number, silentAfterMs: number, nowMs: number) {
    this.#heartbeatMs = heartbeatMs;
    this.#silentAfterMs = silentAfterMs;
    this.#heardMs = nowMs;
    this.#beatMs = nowMs;
  }

  heard(nowMs: number): void {
    this.#heardMs = nowMs;
  }

  /**
   * @param takenBytes of all that was sent on this connection, what the kernel has taken
   * @returns 'paused' when it was this process that stood still (a debugger, SIGSTOP, a suspended machine): what
   *   the other side has sent meanwhile is not read yet, so nothing can be said of it
   */
  beat(nowMs: number, takenBytes: number): 'alive' | 'silent' | 'paused' {
    const late = nowMs - this.#beatMs > 2 * this.#heartbeatMs;
    this.#beatMs = nowMs;
    if (takenBytes > this.#takenBytes || late) this.#heardMs = nowMs;
    this.#takenBytes = takenBytes;
    if (late) return 'paused';
    return nowMs - this.#heardMs > this.#silentAfterMs ? 'silent' : 'alive';
  }
}
