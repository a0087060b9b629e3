import {
  BATCH_PREFIX_BYTES,
  BatchFlag,
  decodeAttributes,
  readFlags,
  readPayloadBytes,
  readPayloadStart,
  readTimeMs,
} from '@k2hft/wire';

/** One record, as `k2hft tap` is told of it. */
export interface TappedRecord {
  /** When it was written, in milliseconds since 1970. */
  atMs: number;
  path: string;
  host: string;
  pid: number;
  uid: number;
  gid: number;
  isBinary: boolean;
  /** Length of the record; `text` may hold less of it. */
  bytes: number;
  /** Its first bytes as UTF-8, without the newline. As it was written: escape it before it is shown. */
  text: string;
}

/** What is sent to those who tap, one JSON object a line. */
export type TapLine =
  | { record: TappedRecord }
  /** So many records that match were not told: there were more than were asked for, or they were not taken in time. */
  | { leftOut: number };

/** What is shown of one record: some lines of a terminal. */
const TEXT_BYTES_MAX = 2048;

const NEWLINE = 0x0a;

/** The file that a batch is of. */
export function pathOf(batch: Buffer): Buffer {
  return decodeAttributes(batch, BATCH_PREFIX_BYTES, readPayloadStart(batch)).path;
}

/** The first records of a batch, at most `countMax`. */
export function recordsOf(batch: Buffer, countMax: number): TappedRecord[] {
  const start = readPayloadStart(batch);
  const end = start + readPayloadBytes(batch);
  const { path, host } = decodeAttributes(batch, BATCH_PREFIX_BYTES, start);
  const isBinary = (readFlags(batch) & BatchFlag.BINARY) !== 0;
  const common = {
    atMs: readTimeMs(batch),
    path: path.toString('utf8'),
    host,
    // As batch.ts draws it.
    pid: batch.readUInt32LE(52),
    uid: batch.readUInt32LE(56),
    gid: batch.readUInt32LE(60),
    isBinary,
  };
  const records: TappedRecord[] = [];
  for (let from = start; from < end && records.length < countMax;) {
    const newline = isBinary ? -1 : batch.indexOf(NEWLINE, from);
    const to = newline < 0 || newline >= end ? end : newline;
    const text = batch.toString('utf8', from, Math.min(to, from + TEXT_BYTES_MAX));
    records.push({ ...common, bytes: to - from, text });
    from = to + 1;
  }
  return records;
}
