import { RANGES_MAX } from './limits.js';
import type { AckMessage } from './messages.js';

/** Gathers sequences, in any order and with repetitions, into ascending ranges that include both ends. */
export function rangesOf(sequences: Iterable<number>): [first: number, last: number][] {
  const sorted = Float64Array.from(sequences).sort();
  const ranges: [number, number][] = [];
  let current: [number, number] | undefined;
  for (const sequence of sorted) {
    if (current !== undefined && sequence <= current[1] + 1) {
      current[1] = sequence;
    } else {
      current = [sequence, sequence];
      ranges.push(current);
    }
  }
  return ranges;
}

/** The acks that tell of these sequences of one epoch: one, unless there are more than RANGES_MAX gaps. */
export function acksOf(epoch: number, sequences: Iterable<number>): AckMessage[] {
  const ranges = rangesOf(sequences);
  const acks: AckMessage[] = [];
  for (let start = 0; start < ranges.length; start += RANGES_MAX) {
    acks.push({ type: 'ack', epoch, ranges: ranges.slice(start, start + RANGES_MAX) });
  }
  return acks;
}
