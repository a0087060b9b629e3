/** What is left of a run of lines without those that are too long. */
export interface LeftOver {
  /** Runs of whole lines, in order. */
  readonly kept: readonly Buffer[];
  /** From here on, the run is an unfinished line that may still be short enough. */
  readonly keptEnd: number;
  readonly dropped: number;
  readonly droppedBytes: number;
  /** The run ends inside a line that is too long already: what comes of it is dropped as well. */
  readonly endsDropping: boolean;
}

const NEWLINE = 0x0a;

/** Leaves out the lines of a run that are longer than `recordBytesMax`, counted without their newline. */
export function dropLong(run: Buffer, recordBytesMax: number): LeftOver {
  const kept: Buffer[] = [];
  let dropped = 0;
  let droppedBytes = 0;
  let keptFrom = 0;
  let at = 0;
  while (at < run.length) {
    // The last newline within one record of `at`: every line up to it is short enough.
    const last = run.subarray(at, at + recordBytesMax + 1).lastIndexOf(NEWLINE);
    if (last >= 0) {
      at += last + 1;
      continue;
    }
    if (run.length - at <= recordBytesMax) break;
    if (at > keptFrom) kept.push(run.subarray(keptFrom, at));
    const newline = run.indexOf(NEWLINE, at);
    const next = newline < 0 ? run.length : newline + 1;
    dropped++;
    droppedBytes += next - at;
    keptFrom = next;
    at = next;
    if (newline < 0) return { kept, keptEnd: next, dropped, droppedBytes, endsDropping: true };
  }
  if (at > keptFrom) kept.push(run.subarray(keptFrom, at));
  return { kept, keptEnd: at, dropped, droppedBytes, endsDropping: false };
}
