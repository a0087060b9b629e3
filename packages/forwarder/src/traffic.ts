import type { Amount } from './flight.js';
import { RateMeter } from './rate-meter.js';

/** Counts what went to one server and came back acknowledged. */
export class Traffic {
  readonly #sent: Amount = { batches: 0, records: 0, bytes: 0 };
  readonly #acked: Amount = { batches: 0, records: 0, bytes: 0 };
  readonly #recordRate = new RateMeter();
  readonly #byteRate = new RateMeter();

  sent(amount: Amount): void {
    add(this.#sent, amount);
  }

  acked(amount: Amount, nowMs: number): void {
    add(this.#acked, amount);
    this.#recordRate.add(amount.records, nowMs);
    this.#byteRate.add(amount.bytes, nowMs);
  }

  status(nowMs: number): {
    sent: Amount;
    acked: Amount;
    rate: { recordsPerSecond: number; bytesPerSecond: number };
  } {
    return {
      sent: { ...this.#sent },
      acked: { ...this.#acked },
      rate: {
        recordsPerSecond: this.#recordRate.perSecond(nowMs),
        bytesPerSecond: this.#byteRate.perSecond(nowMs),
      },
    };
  }
}

function add(sum: Amount, amount: Amount): void {
  sum.batches += amount.batches;
  sum.records += amount.records;
  sum.bytes += amount.bytes;
}
