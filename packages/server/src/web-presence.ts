/** A source that says hello: one connection of it. */
export interface Presence {
  readonly id: string;
  readonly host: string;
  readonly software: string;
  readonly address: string;
  readonly connectedAtMs: number;
  readonly unacknowledgedBatches: number;
}

export interface Absence extends Presence {
  /** When it went away. */
  readonly seenAtMs: number;
}

/** Who has been away for longer is not waited for any more. */
const REMEMBERED_MS = 24 * 60 * 60 * 1000;

/** More than that went away at the same time only where addresses are given out anew; the first of them are forgotten. */
const REMEMBERED_MAX = 2000;

/** The sources that were connected since the server was started, and are not now. */
export class AwaySources {
  readonly #away = new Map<string, Absence>();

  /** The last connection of that source has ended. */
  left(presence: Presence, nowMs: number): void {
    this.#away.delete(presence.id);
    this.#away.set(presence.id, { ...presence, seenAtMs: nowMs });
    const [first] = this.#away.keys();
    if (this.#away.size > REMEMBERED_MAX && first !== undefined) this.#away.delete(first);
  }

  /** Those who are not connected, the last that went away at the end. */
  list(connected: ReadonlySet<string>, nowMs: number): Absence[] {
    for (const [id, { seenAtMs }] of this.#away) {
      if (connected.has(id) || nowMs - seenAtMs > REMEMBERED_MS) this.#away.delete(id);
    }
    return [...this.#away.values()];
  }
}
