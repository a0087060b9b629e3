import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CaptureCounters } from './capture-counters.js';
import { printableName } from '@k2hft/config';
import type { HotCounters } from '@k2hft/queue';
import type { CopyCounters } from './copy-files.js';
import type { Dropped, DropReason } from './drops.js';
import type { OperationReport, OperationTimings } from './operation-timings.js';

/** How many files a report names, the busiest first. */
const FILES_MAX = 100;
const REPORT_NAME = 'worker.json';

interface ReportedFile {
  path: string;
  bytes: number;
  bytesPerSecond: number;
}

/** What the worker tells of itself to `k2hft status`; counted since this worker started. */
export interface WorkerReportContent extends OperationReport {
  pid: number;
  writes: number;
  bytes: number;
  overwrites: number;
  pieces: number;
  /** Lines that rules do not send, by reason. */
  drops: Partial<Record<DropReason, Dropped>>;
  /** Tests of patterns that took too long and were answered so that the line is kept. */
  undecided: number;
  queue: HotCounters;
  /** Writes wait for room, or something was dropped for want of it since the report before. */
  isFull: boolean;
  /** Of copy_to, when a rule has it. */
  copies?: CopyCounters;
  files: ReportedFile[];
}

export function workerReportPath(queueDir: string): string {
  return join(queueDir, REPORT_NAME);
}

/** Writes the report on a tick, if anything changed: an idle mount writes nothing. */
export class WorkerReport {
  private lastText = '';
  private lastAtMs = performance.now();
  private lastDropped = 0;
  private lastBytes = new Map<string, number>();

  constructor(
    private readonly queueDir: string,
    private readonly counters: CaptureCounters,
    private readonly queue: { counters(): HotCounters },
    private readonly copies: CopyCounters | undefined,
    private readonly timings: OperationTimings,
    private readonly holdsWrites: () => boolean,
  ) {}

  write(): void {
    const nowMs = performance.now();
    const seconds = (nowMs - this.lastAtMs) / 1000;
    // Ticks come faster while a request waits; rates want a whole second.
    if (seconds < 0.9) return;
    this.lastAtMs = nowMs;
    const text = JSON.stringify(this.content(seconds));
    if (text === this.lastText) return;
    this.lastText = text;
    const path = workerReportPath(this.queueDir);
    try {
      writeFileSync(`${path}.new`, text, { mode: 0o600 });
      renameSync(`${path}.new`, path);
    } catch {
      // A full disk must not stop the mount; the report is written again on a later tick.
      this.lastText = '';
    }
  }

  private content(seconds: number): WorkerReportContent {
    const { writes, bytes, overwrites, pieces, undecided } = this.counters;
    const files: ReportedFile[] = [];
    for (const [path, total] of this.counters.paths()) {
      const bytesPerSecond = Math.round((total - (this.lastBytes.get(path) ?? 0)) / seconds);
      files.push({ path: printableName(path), bytes: total, bytesPerSecond });
    }
    this.lastBytes = new Map(this.counters.paths());
    files.sort((a, b) => b.bytesPerSecond - a.bytesPerSecond || b.bytes - a.bytes);
    return {
      pid: process.pid,
      writes,
      bytes,
      overwrites,
      pieces,
      drops: Object.fromEntries(this.counters.drops.entries()),
      undecided,
      queue: this.queue.counters(),
      isFull: this.isFull(),
      ...this.timings.report(),
      ...(this.copies === undefined ? {} : { copies: this.copies }),
      files: files.slice(0, FILES_MAX),
    };
  }

  private isFull(): boolean {
    const losses = Object.values(this.queue.counters().dropped);
    const dropped = losses.reduce((sum, { records, bytes }) => sum + records + bytes, 0);
    const hasDropped = dropped > this.lastDropped;
    this.lastDropped = dropped;
    return hasDropped || this.holdsWrites();
  }
}
