/**
 * Where a stream's bytes are cut into payloads. The bytes are a stream's unfinished rest followed by what was just written, as
 * one run; positions below count from the start of the rest.
 */
export interface Split {
  /**
   * Ends of the payloads, ascending; each payload starts where the one before it ended. A payload holds whole
   * lines; only where a line is longer than the limit does a payload end inside it.
   */
  payloadEnds: number[];
  /** How many payloads end inside a line that is too long. */
  pieces: number;
}

const NEWLINE = 0x0a;
const NOTHING: Split = { payloadEnds: [], pieces: 0 };

/**
 * Splits when no line can be longer than the limit, which is known from the lengths alone: one look for the last
 * newline, nobody looks at single lines. Returns undefined when the lengths do not tell; then splitLong does.
 */
export function splitShort(
  restBytes: number,
  buffer: Buffer,
  start: number,
  end: number,
  recordBytesMax: number,
): Split | undefined {
  if (restBytes + (end - start) > recordBytesMax) return undefined;
  const last = buffer.subarray(start, end).lastIndexOf(NEWLINE);
  return last < 0 ? NOTHING : { payloadEnds: [restBytes + last + 1], pieces: 0 };
}

/**
 * Splits a run whose lines may be longer than `recordBytesMax` (a line's length is counted without its newline). A longer
 * line becomes pieces of that length; what follows the last newline stays as the rest unless it is longer too.
 */
export function splitLong(run: Buffer, recordBytesMax: number): Split {
  const payloadEnds: number[] = [];
  let pieces = 0;
  let payloadStart = 0;
  let at = 0;
  while (at < run.length) {
    // The last newline within one record of `at`: every line up to it is short enough.
    const reach = Math.min(run.length, at + recordBytesMax + 1);
    const last = run.subarray(at, reach).lastIndexOf(NEWLINE);
    if (last >= 0) {
      at += last + 1;
    } else if (run.length - at > recordBytesMax) {
      at += recordBytesMax;
      payloadEnds.push(at);
      payloadStart = at;
      pieces++;
    } else {
      break;
    }
  }
  if (at > payloadStart) payloadEnds.push(at);
  return { payloadEnds, pieces };
}
