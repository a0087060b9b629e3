import type { Log } from '@k2hft/config';

/** The same complaint is logged this often at most. */
const AGAIN_MS = 60_000;

/** Logs the same thing now and then only: a plugin that cannot be started is tried every few seconds, for days. */
export class Complaint {
  private said = '';
  private atMs = -Infinity;

  constructor(private readonly log: Log) {}

  say(message: string, nowMs: number): void {
    if (message === this.said && nowMs - this.atMs < AGAIN_MS) return;
    this.said = message;
    this.atMs = nowMs;
    this.log('warn', message);
  }

  forget(): void {
    this.said = '';
  }
}
