import type { AckSetRecord } from './ack-set.js';
import type { Range } from './range-set.js';

export function encodeAckSet(record: AckSetRecord): Buffer {
  return Buffer.from(JSON.stringify(record));
}

export function decodeAckSet(bytes: Buffer | undefined): AckSetRecord | undefined {
  if (bytes === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(bytes.toString());
    return isAckSet(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

export function isAckSet(value: unknown): value is AckSetRecord {
  if (!isObject(value) || !isObject(value['floor']) || !Array.isArray(value['above'])) return false;
  const { epoch, sequence } = value['floor'];
  const above = value['above'] as unknown[];
  return isWhole(epoch) && isWhole(sequence) && above.every(isEpochRanges);
}

function isEpochRanges(value: unknown): value is [number, Range[]] {
  if (!Array.isArray(value) || !isWhole(value[0]) || !Array.isArray(value[1])) return false;
  return (value[1] as unknown[]).every(
    (range) => Array.isArray(range) && isWhole(range[0]) && isWhole(range[1]),
  );
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value);
}
