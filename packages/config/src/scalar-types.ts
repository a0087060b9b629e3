import type { ListenAddress } from './mount-settings.js';
import { FAILED, type Reading, type ValueType } from './reading.js';
import { readText } from './shapes.js';
import {
  DURATION_UNIT_NAMES,
  formatDuration,
  formatSize,
  parseDuration,
  parseSize,
  SIZE_UNIT_NAMES,
} from './units.js';
import { escapeVariables } from './variables.js';

/** Returned by a parser that knows why it refuses a text; undefined says only that the text is not as expected. */
export class Refused {
  constructor(readonly reason: string) {}
}

interface ScalarOptions<T> {
  readonly expected: string;
  readonly parse: (text: string, reading: Reading) => T | Refused | undefined;
  readonly format: (value: T) => string;
}

/** A type whose values are one text in the file. */
export function scalar<T extends string | number | boolean | object>(
  options: ScalarOptions<T>,
): ValueType<T> {
  const { expected, parse, format } = options;
  return {
    shape: 'scalar',
    expected,
    keys: [],
    read(node, reading) {
      const found = readText(node, expected, reading);
      if (found === FAILED) return FAILED;
      const value = parse(found.text, reading);
      if (value !== undefined && !(value instanceof Refused)) return value;
      const reason = value === undefined ? '' : `: ${value.reason}`;
      return reading.fail(found.place, `expected ${expected}, found ${JSON.stringify(found.text)}${reason}`);
    },
    write: (value) => escapeVariables(format(value)),
  };
}

/** Any text that is not empty, as it stands. */
export function text(
  expected: string,
  check: (text: string) => Refused | undefined = () => undefined,
): ValueType<string> {
  return scalar({
    expected,
    parse: (found) => (found === '' ? undefined : (check(found) ?? found)),
    format: (value) => value,
  });
}

/** Any text, also the empty one. */
export const anyText: ValueType<string> = scalar({
  expected: 'a text',
  parse: (found) => found,
  format: (value) => value,
});

const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ['yes', true],
  ['on', true],
  ['true', true],
  ['no', false],
  ['off', false],
  ['false', false],
]);

export const boolean: ValueType<boolean> = scalar({
  expected: 'yes or no',
  parse: (found) => BOOLEANS.get(found.toLowerCase()),
  format: (value) => (value ? 'yes' : 'no'),
});

export function oneOf<const T extends string>(...names: readonly T[]): ValueType<T> {
  return scalar({
    expected: `one of ${names.join(', ')}`,
    parse: (found) => names.find((name) => name === found),
    format: (value) => value,
  });
}

export function integer(min: number, max: number): ValueType<number> {
  return scalar({
    expected: `a whole number from ${min} to ${max}`,
    parse: (found) => (/^\d+$/.test(found) && within(Number(found), min, max) ? Number(found) : undefined),
    format: String,
  });
}

/** Bytes. */
export function size(min = 0, max = Number.MAX_SAFE_INTEGER): ValueType<number> {
  return scalar({
    expected: `a size such as 10MiB (${SIZE_UNIT_NAMES.join(' ')})${rangeText(formatSize(min), max, formatSize)}`,
    parse: (found) => checkedQuantity(parseSize(found), min, max),
    format: formatSize,
  });
}

/**
 * The longest delay that a Node.js timer takes (a signed 32-bit number of milliseconds); a longer one would
 * fire at once.
 */
export const TIMER_MS_MAX = 2_147_483_647;

/** Milliseconds. */
export function duration(min = 0, max = Number.MAX_SAFE_INTEGER): ValueType<number> {
  // The bound is named in whole days, which are easier to type than the exact one.
  const maxText = () => `${Math.floor(max / 86_400_000)}d`;
  return scalar({
    expected: `a duration such as 5s (${DURATION_UNIT_NAMES.join(' ')})${rangeText(formatDuration(min), max, maxText)}`,
    parse: (found) => checkedQuantity(parseDuration(found), min, max),
    format: formatDuration,
  });
}

function within(value: number, min: number, max: number): boolean {
  return value >= min && value <= max;
}

function rangeText(minText: string, max: number, maxText: (max: number) => string): string {
  if (max < Number.MAX_SAFE_INTEGER) return ` from ${minText} to ${maxText(max)}`;
  return minText.startsWith('0') ? '' : ` of at least ${minText}`;
}

function checkedQuantity(quantity: number | undefined, min: number, max: number): number | undefined {
  return quantity !== undefined && within(quantity, min, max) ? quantity : undefined;
}

/** Bytes per second. */
export const rate: ValueType<number> = scalar({
  expected: 'a rate such as 10MiB/s',
  parse: (found) =>
    checkedQuantity(found.endsWith('/s') ? parseSize(found.slice(0, -2)) : undefined, 1, Infinity),
  format: (value) => `${formatSize(value)}/s`,
});

/** Bytes per second; 0: no limit. */
export function rateOrNone(min: number): ValueType<number> {
  return scalar({
    expected: `0 (no limit), or a rate of at least ${formatSize(min)}/s`,
    parse: (found) => {
      if (/^0(?:\D|$)/.test(found)) return parseSize(found.replace(/\/s$/, '')) === 0 ? 0 : undefined;
      return checkedQuantity(found.endsWith('/s') ? parseSize(found.slice(0, -2)) : undefined, min, Infinity);
    },
    format: (value) => (value === 0 ? '0' : `${formatSize(value)}/s`),
  });
}

/** Room on a file system, absolute or relative. Two decimals are enough for either end of the scale. */
export const sizeOrPercent: ValueType<{ bytes: number } | { percent: number }> = scalar({
  expected: 'a size such as 1GiB, or a percentage such as 5%',
  parse(found) {
    const percent = /^(\d+(?:\.\d{1,2})?)\s*%$/.exec(found)?.[1];
    if (percent !== undefined) return Number(percent) <= 100 ? { percent: Number(percent) } : undefined;
    const bytes = parseSize(found);
    return bytes === undefined ? undefined : { bytes };
  },
  format: (value) => ('percent' in value ? `${value.percent}%` : formatSize(value.bytes)),
});

/** Permission bits; always octal, with or without the zero in front. */
export const umask: ValueType<number> = scalar({
  expected: 'an octal umask such as 022',
  parse: (found) =>
    /^(?:0o)?[0-7]{1,4}$/.test(found) ? checkedMask(parseInt(found.replace('0o', ''), 8)) : undefined,
  format: (value) => value.toString(8).padStart(3, '0'),
});

function checkedMask(bits: number): number | undefined {
  return bits <= 0o777 ? bits : undefined;
}

/** Permissions of a file that its owner may read and write; octal. */
export const fileMode: ValueType<number> = scalar({
  expected: 'octal permissions of a file such as 0640, with 6 for its owner',
  parse: (found) => (/^(?:0o?)?6[0-7]{2}$/.test(found) ? parseInt(found.replace('0o', ''), 8) : undefined),
  format: (value) => `0${value.toString(8)}`,
});

/** A bare port listens on this host only: what is served there (status, metrics) is not meant for others. */
const DEFAULT_LISTEN_HOST = '127.0.0.1';
const PORT_MAX = 65_535;

/** Port 0 lets the system choose. */
export const listenAddress: ValueType<ListenAddress> = scalar({
  expected: 'HOST:PORT such as 127.0.0.1:9105, or a port',
  parse(found) {
    const [, bracketed, plain, digits] =
      /^(?:(?:\[([0-9A-Fa-f:.]+)\]|([^\s:[\]/]+)):)?(\d{1,5})$/.exec(found) ?? [];
    const port = Number(digits ?? NaN);
    return port <= PORT_MAX ? { host: bracketed ?? plain ?? DEFAULT_LISTEN_HOST, port } : undefined;
  },
  format: ({ host, port }) => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`),
});

/** Gather this long, `always` or `no`. */
export const fsyncPolicy: ValueType<{ gatherMs: number } | 'always' | 'no'> = scalar({
  expected: 'a duration such as 50ms, or always, or no',
  parse(found) {
    if (found === 'always' || found === 'no') return found;
    const gatherMs = checkedQuantity(parseDuration(found), 0, TIMER_MS_MAX);
    return gatherMs === undefined ? undefined : { gatherMs };
  },
  format: (value) => (typeof value === 'string' ? value : formatDuration(value.gatherMs)),
});
