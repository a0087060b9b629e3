import type { Log } from '@k2hft/config';

/** A look at them, not an archive: that is the log. */
const KEPT_MAX = 50;

export interface Complaint {
  atMs: number;
  level: 'error' | 'warn';
  message: string;
}

/** The last errors and warnings of the log, for whoever looks at the status. */
export class RecentComplaints {
  readonly #kept: Complaint[] = [];

  /** A log that goes on to `log`, and that is listened to here. */
  listening(log: Log): Log {
    return (level, message) => {
      if (level === 'error' || level === 'warn') this.#note({ atMs: Date.now(), level, message });
      log(level, message);
    };
  }

  /** The newest first. */
  list(): Complaint[] {
    return this.#kept.toReversed();
  }

  #note(complaint: Complaint): void {
    this.#kept.push(complaint);
    if (this.#kept.length > KEPT_MAX) this.#kept.shift();
  }
}
