/*
 * Rotated files lie beside the file that they were:
 *
 *   <name>.<YYYYMMDD-HHMMSS>[-N]               as it was written; the time is that of the rotation, in the local zone
 *   <name>.<YYYYMMDD-HHMMSS>[-N].gz            the same, compressed
 *   <name>.<YYYYMMDD-HHMMSS>[-N].gz.partial    being compressed
 *
 * N tells files of one second apart. `ls -v` and `sort -V` give the order in which they were written, also when the
 * clock was set back in between.
 */
const ROTATED = /^\.(\d{8}-\d{6})(?:-([1-9]\d{0,8}))?(\.gz(?:\.partial)?)?$/;

/** The longest suffix that is put behind a name, with some digits of N to spare. */
export const ROTATED_SUFFIX_BYTES_MAX = '.YYYYMMDD-HHMMSS-NNNNNNNNN.gz.partial'.length;

export interface RotatedName {
  segment: string;
  stamp: string;
  /** 0: there is no -N. */
  number: number;
  kind: 'plain' | 'compressed' | 'partial';
}

/** Reads a directory's entry as a rotated file of `base`; undefined for anything else. */
export function parseRotated(base: string, segment: string): RotatedName | undefined {
  if (!segment.startsWith(base)) return undefined;
  const [whole, stamp = '', number = '0', suffix] = ROTATED.exec(segment.slice(base.length)) ?? [];
  if (whole === undefined) return undefined;
  const kind = suffix === undefined ? 'plain' : suffix === '.gz' ? 'compressed' : 'partial';
  return { segment, stamp, number: Number(number), kind };
}

/** Older files first. */
export function compareRotated(one: RotatedName, other: RotatedName): number {
  if (one.stamp !== other.stamp) return one.stamp < other.stamp ? -1 : 1;
  return one.number - other.number;
}

/** A name for a file that is rotated now, behind all that are in its directory already. */
export function nextRotatedName(base: string, segments: readonly string[], now: Date): string {
  const stamp = stampOf(now);
  const newest = rotatedAmong(base, segments).at(-1);
  if (newest === undefined || newest.stamp < stamp) return `${base}.${stamp}`;
  return `${base}.${newest.stamp}-${newest.number + 1}`;
}

/** The rotated files of `base` among the entries of its directory, the oldest first. */
export function rotatedAmong(base: string, segments: readonly string[]): RotatedName[] {
  return segments
    .map((segment) => parseRotated(base, segment))
    .filter((rotated) => rotated !== undefined)
    .sort(compareRotated);
}

function stampOf(date: Date): string {
  const digits = (value: number, count = 2): string => String(value).padStart(count, '0');
  const day = `${digits(date.getFullYear(), 4)}${digits(date.getMonth() + 1)}${digits(date.getDate())}`;
  return `${day}-${digits(date.getHours())}${digits(date.getMinutes())}${digits(date.getSeconds())}`;
}
