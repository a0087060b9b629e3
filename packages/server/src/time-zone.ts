import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/*
 * Node knows the offset of the local time zone, but not the abbreviation that strftime's %Z wants: "JST" and not
 * "GMT+9". It stands in the system's time zone file (tzfile(5)), of which only the list of offsets is needed:
 *
 *   0 "TZif"   4 version   20 six counts, u32 big endian: isutcnt isstdcnt leapcnt timecnt typecnt charcnt
 *   44 times of transitions (timecnt × 4), their types (timecnt × 1), types (typecnt × {i32 offset, u8 summer time, u8 index}), abbreviations
 */
const HEADER_BYTES = 44;
const TRANSITION_BYTES = 5;
const TYPE_BYTES = 6;

const ZONE_DIRECTORY = '/usr/share/zoneinfo';

/** Abbreviations by offset from UTC in seconds. Where several had the same offset, the one that was changed to last. */
function parseAbbreviations(file: Buffer): Map<number, string> {
  const abbreviations = new Map<number, string>();
  if (file.length < HEADER_BYTES || file.toString('latin1', 0, 4) !== 'TZif') return abbreviations;
  const transitionCount = file.readUInt32BE(32);
  const typeCount = file.readUInt32BE(36);
  const typesStart = HEADER_BYTES + transitionCount * TRANSITION_BYTES;
  const textStart = typesStart + typeCount * TYPE_BYTES;
  if (textStart > file.length) return abbreviations;
  const used = file.subarray(typesStart - transitionCount, typesStart);
  for (const index of [...Array(typeCount).keys(), ...used]) {
    const start = typesStart + index * TYPE_BYTES;
    if (start + TYPE_BYTES > textStart) continue;
    const from = textStart + file.readUInt8(start + 5);
    const end = file.indexOf(0, from);
    if (end >= 0) abbreviations.set(file.readInt32BE(start), file.toString('latin1', from, end));
  }
  return abbreviations;
}

/** Slim files leave the first block empty; the second one has transitions of 9 bytes behind a header of its own. */
export function parseZoneFile(file: Buffer): Map<number, string> {
  const first = parseAbbreviations(file);
  if (first.size > 1 || file.toString('latin1', 0, 4) !== 'TZif' || file.length < HEADER_BYTES) return first;
  const second = secondBlock(file);
  return second === undefined ? first : parseWideAbbreviations(second);
}

function secondBlock(file: Buffer): Buffer | undefined {
  const count = (index: number): number => file.readUInt32BE(20 + 4 * index);
  const firstBytes =
    HEADER_BYTES +
    count(3) * TRANSITION_BYTES +
    count(4) * TYPE_BYTES +
    count(5) +
    count(2) * 8 +
    count(1) +
    count(0);
  return file.length > firstBytes + HEADER_BYTES ? file.subarray(firstBytes) : undefined;
}

/** Cuts the wide transitions down to the narrow ones' length, so that one parser reads both blocks. */
function parseWideAbbreviations(block: Buffer): Map<number, string> {
  const transitionCount = block.readUInt32BE(32);
  const surplus = transitionCount * 4;
  return parseAbbreviations(
    Buffer.concat([block.subarray(0, HEADER_BYTES), block.subarray(HEADER_BYTES + surplus)]),
  );
}

let known: { zone: string | undefined; abbreviations: Map<number, string> } | undefined;

/** Abbreviation of the local time zone at that time. */
export function zoneAbbreviation(date: Date): string {
  const zone = process.env['TZ'];
  if (known === undefined || known.zone !== zone) known = { zone, abbreviations: readZone(zone) };
  const offset = -date.getTimezoneOffset() * 60;
  return known.abbreviations.get(offset) ?? fallback(date);
}

function readZone(zone: string | undefined): Map<number, string> {
  if (zone === '') return new Map([[0, 'UTC']]);
  const name = zone?.replace(/^:/, '');
  try {
    return parseZoneFile(readFileSync(name === undefined ? '/etc/localtime' : join(ZONE_DIRECTORY, name)));
  } catch {
    return new Map();
  }
}

function fallback(date: Date): string {
  const parts = new Intl.DateTimeFormat('en-US', { timeZoneName: 'short' }).formatToParts(date);
  return parts.find((part) => part.type === 'timeZoneName')?.value ?? '';
}
