/** A child that ends this often... */
const DEATHS_MAX = 10;
/** ...within this time cannot serve: an error beats a hang. */
const WINDOW_MS = 30_000;
const BACKOFF_FIRST_MS = 50;
const BACKOFF_MAX_MS = 2_000;

/** How a child process ended. */
export interface ChildEnd {
  readonly atMs: number;
  /** It had answered a tick (worker) or come up (forwarder) before it ended. */
  readonly served: boolean;
  /** Somebody sent SIGKILL that was not us. */
  readonly killedFromOutside: boolean;
}

export type RestartDecision = { restart: true; afterMs: number } | { restart: false };

/**
 * Decides whether and when a child is started again. A child that served and was then killed from outside says
 * nothing against the next one: it is started at once and not counted. Every other end counts.
 */
export class RestartPolicy {
  private counted: number[] = [];

  /** `givesUp`: there is an end after which no restart makes sense. */
  constructor(private readonly givesUp: boolean) {}

  decide(end: ChildEnd): RestartDecision {
    if (end.served && end.killedFromOutside) return { restart: true, afterMs: 0 };
    this.counted = this.counted.filter((atMs) => end.atMs - atMs < WINDOW_MS);
    this.counted.push(end.atMs);
    if (this.givesUp && this.counted.length >= DEATHS_MAX) return { restart: false };
    const exponent = this.counted.length - 1;
    const afterMs = exponent === 0 ? 0 : Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** exponent);
    return { restart: true, afterMs };
  }
}
