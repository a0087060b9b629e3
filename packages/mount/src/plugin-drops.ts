import { printable, type Log } from '@k2hft/config';
import { pluginName } from '@k2hft/plugin';
import type { Amount } from '@k2hft/queue';
import type { PluginRule } from './plugin-rules.js';

/** How often it is logged that something was dropped. */
const LOG_INTERVAL_MS = 10_000;

/** Counts what was dropped for a plugin that does not keep up, and tells the log now and then. */
export class PluginDrops {
  private loggedAtMs = -Infinity;
  private loggedRecords = 0;
  amount: Amount = { batches: 0, records: 0, bytes: 0 };

  constructor(
    private readonly rule: PluginRule,
    private readonly log: Log,
  ) {}

  count({ batches, records, bytes }: Amount): void {
    this.amount = {
      batches: this.amount.batches + batches,
      records: this.amount.records + records,
      bytes: this.amount.bytes + bytes,
    };
  }

  /** Says what was not said yet, when it is time. */
  tell(nowMs: number): void {
    const { rule, amount } = this;
    const records = amount.records - this.loggedRecords;
    if (records === 0 || nowMs - this.loggedAtMs < LOG_INTERVAL_MS) return;
    this.loggedAtMs = nowMs;
    this.loggedRecords = amount.records;
    this.log(
      'warn',
      `plugin ${printable(pluginName(rule.plugin))} (${printable(rule.path)}) does not keep up: ${records} records more were dropped for it, ${amount.records} in all`,
    );
  }
}
