/** A server that takes longer to answer is as good as gone. */
const ANSWER_MS = 8000;

/** Asks the server for JSON. Rejects when it does not answer, or not with that. */
export async function fetchJson(path: string): Promise<unknown> {
  const response = await fetch(path, { signal: AbortSignal.timeout(ANSWER_MS), cache: 'no-store' });
  if (!response.ok) throw new Error(`status ${response.status}`);
  return response.json();
}

/** Calls `task` again and again, `pauseMs` after it has ended, but not while nobody sees the page. */
export class Repeater {
  private timer: number | undefined;
  private isRunning = false;
  private isDue = false;

  constructor(
    private readonly pauseMs: number,
    private readonly task: () => Promise<void>,
  ) {
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden) this.now();
    });
  }

  /** At once; when it is being done already, once more after that. */
  now(): void {
    this.isDue = true;
    if (!this.isRunning) void this.run();
  }

  private async run(): Promise<void> {
    clearTimeout(this.timer);
    this.isRunning = true;
    while (this.isDue) {
      this.isDue = false;
      await this.task();
    }
    this.isRunning = false;
    this.timer = setTimeout(() => {
      if (!document.hidden) this.now();
    }, this.pauseMs);
  }
}
