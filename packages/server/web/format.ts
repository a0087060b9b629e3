const BYTE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const;
const COUNT_UNITS = ['', ' k', ' M', ' G', ' T'] as const;

/** Three digits that count, with a unit of a thousand: `0`, `0.2`, `12.3 k`. */
export function formatCount(count: number): string {
  return scaled(count, COUNT_UNITS, '');
}

/** `0 B`, `12.3 kB`, in thousands. */
export function formatBytes(bytes: number): string {
  return scaled(bytes, BYTE_UNITS, ' ');
}

export function formatByteRate(bytesPerSecond: number): string {
  return `${formatBytes(bytesPerSecond)}/s`;
}

function scaled(value: number, units: readonly string[], separator: string): string {
  let rest = value;
  let index = 0;
  // What would be rounded to 1000 is 1 of the next unit.
  while (rest >= 999.5 && index + 1 < units.length) {
    rest /= 1000;
    index++;
  }
  const isSmallAndWhole = index === 0 && Number.isInteger(value);
  const digits = isSmallAndWhole || rest >= 99.95 ? 0 : 1;
  return `${rest.toFixed(digits).replace(/\.0$/, '')}${separator}${units[index] ?? ''}`;
}

/** With one or two units: `8 ms`, `1.2 s`, `3 min 20 s`, `2 d 4 h`. */
export function formatDuration(durationMs: number): string {
  const ms = Math.max(0, durationMs);
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 9950) return `${(ms / 1000).toFixed(1).replace(/\.0$/, '')} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return twoUnits(minutes, 'min', seconds % 60, 's');
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return twoUnits(hours, 'h', minutes % 60, 'min');
  return twoUnits(Math.floor(hours / 24), 'd', hours % 24, 'h');
}

function twoUnits(great: number, greatUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${great} ${greatUnit}` : `${great} ${greatUnit} ${small} ${smallUnit}`;
}

/** What is a moment ago need not be counted: `now`, else `12 s ago`. */
export function formatAgo(atMs: number, nowMs: number): string {
  const agoMs = nowMs - atMs;
  if (agoMs < 2000) return 'now';
  return `${formatDuration(Math.floor(agoMs / 1000) * 1000)} ago`;
}

/** A time of this day, else with the date: `14:03:22`, `2026-03-01 14:03:22`. */
export function formatTime(atMs: number, nowMs: number): string {
  const date = new Date(atMs);
  const pad = (part: number): string => String(part).padStart(2, '0');
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(pad).join(':');
  if (date.toDateString() === new Date(nowMs).toDateString()) return time;
  return `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())} ${time}`;
}

/** The first part of a UUID, enough to tell sources of one host apart. */
export function shortId(id: string): string {
  return id.slice(0, 8);
}
