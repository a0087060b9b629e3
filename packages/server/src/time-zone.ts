import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/*
 * Node knows the offset of the local time zone, but not the abbreviation that strftime's %Z wants: "JST" and not
 * "GMT+9". It stands in the system's time zone file (tzfile(5)), in two blocks of the same layout; the second one has
 * transitions of 8 bytes in place of 4, and slim files leave the first one empty:
 *
 *   0 "TZif"   4 version   20 six counts, u32 big endian: isutcnt isstdcnt leapcnt timecnt typecnt charcnt
 *   44 times of transitions (timecnt × 4 or 8), their types (timecnt × 1), types (typecnt × {i32 offset, u8 summer time, u8 index}),
 *   abbreviations, leap seconds (leapcnt × 8 or 12), isstdcnt × 1, isutcnt × 1
 */
const HEADER_BYTES = 44;
const TYPE_BYTES = 6;

const ZONE_DIRECTORY = '/usr/share/zoneinfo';

/** What a time zone file says about abbreviations. */
export interface ZoneAbbreviations {
  /** In the order of time: from this second on, until the next one. The last one's end is a rule, which Node knows. */
  periods: { startSeconds: number; abbreviation: string }[];
  /** By offset from UTC in seconds, of the latest period that had it. */
  byOffset: Map<number, string>;
}

/** Reads a time zone file; one that is none has no abbreviations. */
export function parseZoneFile(file: Buffer): ZoneAbbreviations {
  const none: ZoneAbbreviations = { periods: [], byOffset: new Map() };
  if (!isBlock(file)) return none;
  const wide = file.subarray(blockBytes(file, 4));
  return isBlock(wide) ? parseBlock(wide, 8) : parseBlock(file, 4);
}

function isBlock(bytes: Buffer): boolean {
  return bytes.length >= HEADER_BYTES && bytes.toString('latin1', 0, 4) === 'TZif';
}

function countsOf(block: Buffer): {
  times: number;
  types: number;
  texts: number;
  rest: (timeBytes: number) => number;
} {
  const count = (index: number): number => block.readUInt32BE(20 + 4 * index);
  const rest = (timeBytes: number): number => count(2) * (timeBytes + 4) + count(1) + count(0);
  return { times: count(3), types: count(4), texts: count(5), rest };
}

function blockBytes(block: Buffer, timeBytes: number): number {
  const { times, types, texts, rest } = countsOf(block);
  return HEADER_BYTES + times * (timeBytes + 1) + types * TYPE_BYTES + texts + rest(timeBytes);
}

function parseBlock(block: Buffer, timeBytes: 4 | 8): ZoneAbbreviations {
  const result: ZoneAbbreviations = { periods: [], byOffset: new Map() };
  if (blockBytes(block, timeBytes) > block.length) return result;
  const { times, types } = countsOf(block);
  const indexesStart = HEADER_BYTES + times * timeBytes;
  const typesStart = indexesStart + times;
  const textsStart = typesStart + types * TYPE_BYTES;
  const typeAt = (index: number): { offset: number; abbreviation: string } => {
    const at = typesStart + Math.min(index, types - 1) * TYPE_BYTES;
    const from = textsStart + block.readUInt8(at + 5);
    return {
      offset: block.readInt32BE(at),
      abbreviation: block.toString('latin1', from, block.indexOf(0, from)),
    };
  };
  const note = (startSeconds: number, type: number): void => {
    const { offset, abbreviation } = typeAt(type);
    result.periods.push({ startSeconds, abbreviation });
    result.byOffset.set(offset, abbreviation);
  };
  // Before the first transition the first type holds.
  if (types > 0) note(-Infinity, 0);
  for (let index = 0; index < times; index++) {
    const at = HEADER_BYTES + index * timeBytes;
    const seconds = timeBytes === 4 ? block.readInt32BE(at) : Number(block.readBigInt64BE(at));
    note(seconds, block.readUInt8(indexesStart + index));
  }
  return result;
}

let known: { zone: string | undefined; abbreviations: ZoneAbbreviations } | undefined;

/** Abbreviation of the local time zone at that time. */
export function zoneAbbreviation(date: Date): string {
  const zone = process.env['TZ'];
  if (known === undefined || known.zone !== zone) known = { zone, abbreviations: readZone(zone) };
  const { periods, byOffset } = known.abbreviations;
  const seconds = date.getTime() / 1000;
  const index = periods.findLastIndex(({ startSeconds }) => startSeconds <= seconds);
  const isLast = index === periods.length - 1;
  const recorded = isLast ? undefined : periods[index]?.abbreviation;
  return recorded ?? byOffset.get(-date.getTimezoneOffset() * 60) ?? fallback(date);
}

function readZone(zone: string | undefined): ZoneAbbreviations {
  if (zone === '') return { periods: [], byOffset: new Map([[0, 'UTC']]) };
  const name = zone?.replace(/^:/, '');
  try {
    return parseZoneFile(readFileSync(name === undefined ? '/etc/localtime' : join(ZONE_DIRECTORY, name)));
  } catch {
    return { periods: [], byOffset: new Map() };
  }
}

function fallback(date: Date): string {
  const parts = new Intl.DateTimeFormat('en-US', { timeZoneName: 'short' }).formatToParts(date);
  return parts.find((part) => part.type === 'timeZoneName')?.value ?? '';
}
