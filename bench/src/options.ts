import { parseArgs } from 'node:util';

/** The parts of the benchmark, in the order in which they run. */
const PARTS = ['cat', 'rss', 'writes', 'latency'] as const;
export type Part = (typeof PARTS)[number];

const DRIVERS = ['kernel', 'fuse-native'] as const;
export type Driver = (typeof DRIVERS)[number];

const PEERS = ['yes', 'no', 'only'] as const;

export interface Options {
  runs: number;
  /** Line lengths in bytes, the newline included. */
  sizes: number[];
  parts: Part[];
  /** Only what rules and formats cost is measured. */
  filters: boolean;
  mode: 'virtual' | 'overlay';
  /** What k2hft mounts with, one after the other. */
  drivers: readonly Driver[];
  /** Whether rsyslog is measured as well (yes), or not (no), or everything but k2hft (only). */
  peers: (typeof PEERS)[number];
  jsonFile: string | undefined;
  /** Where the processes of k2hft leave their V8 profiles; undefined: they are not profiled. */
  profileDir: string | undefined;
  amounts: Amounts;
}

/** How much is done in one run. */
interface Amounts {
  /** Of the file that cat writes into the mount. */
  catBytes: number;
  /** Of the same for each kind of rule; a format may make three times as much of it. */
  filterBytes: number;
  /** Single-line writes, of all writers together. */
  writes: number;
  latencySeconds: number;
  /** rsyslog gets a part of its usual amount, as it is slow. */
  rsyslogShare: number;
}

const FULL: Amounts = {
  catBytes: 512e6,
  filterBytes: 200e6,
  writes: 80_000,
  latencySeconds: 10,
  rsyslogShare: 1,
};
const QUICK: Amounts = {
  catBytes: 256e6,
  filterBytes: 100e6,
  writes: 20_000,
  latencySeconds: 3,
  rsyslogShare: 0.3,
};
/** Shorter lines have no room for the number that each carries. */
const LINE_BYTES_MIN = 10;
/** Longer lines would be cut by the limits of the peers' configurations. */
const LINE_BYTES_MAX = 65_536;

export const USAGE = `usage: pnpm bench [options]
  --quick               one run with less data
  --runs N              runs of which the median is taken (3)
  --sizes 10,200        line lengths in bytes, newline included (10,200,1024,4096)
  --only PART[,PART]    ${PARTS.join(', ')} (all)
  --filters             only what filters, rewrites and formats cost
  --mode virtual        or overlay
  --driver kernel       or fuse-native (libfuse, installed with apt-get when missing), or both side by side
  --peers no            leave rsyslog out (else it is installed with apt-get when missing); only: leave k2hft out
  --json FILE           write every run's figures there as well
  --cpu-prof DIR        profile the processes of k2hft, and print where each spends its time`;

/** A wrong command line; the message says what was expected. */
export class UsageError extends Error {}

export function parseOptions(args: readonly string[]): Options {
  const given = parseStrictly(args);
  const quick = given.quick ?? false;
  return {
    runs: given.runs === undefined ? (quick ? 1 : 3) : wholeNumber('--runs', given.runs, 1, 100),
    sizes: (given.sizes ?? '10,200,1024,4096')
      .split(',')
      .map((size) => wholeNumber('--sizes', size, LINE_BYTES_MIN, LINE_BYTES_MAX)),
    parts:
      given.only === undefined
        ? [...PARTS]
        : given.only.split(',').map((part) => oneOf('--only', part, PARTS)),
    filters: given.filters ?? false,
    mode: oneOf('--mode', given.mode ?? 'virtual', ['virtual', 'overlay'] as const),
    drivers: driversOf(given.driver ?? 'kernel'),
    peers: oneOf('--peers', given.peers ?? 'yes', PEERS),
    jsonFile: given.json,
    profileDir: given['cpu-prof'],
    amounts: quick ? QUICK : FULL,
  };
}

function parseStrictly(args: readonly string[]) {
  try {
    return parseArgs({
      // `pnpm bench -- --quick` hands the two dashes on.
      args: args.filter((argument) => argument !== '--'),
      options: {
        runs: { type: 'string' },
        quick: { type: 'boolean' },
        sizes: { type: 'string' },
        only: { type: 'string' },
        filters: { type: 'boolean' },
        mode: { type: 'string' },
        driver: { type: 'string' },
        peers: { type: 'string' },
        json: { type: 'string' },
        'cpu-prof': { type: 'string' },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function driversOf(text: string): readonly Driver[] {
  const driver = oneOf('--driver', text, [...DRIVERS, 'both'] as const);
  return driver === 'both' ? DRIVERS : [driver];
}

function wholeNumber(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isInteger(value) || value < least || value > most) {
    throw new UsageError(`${name} takes whole numbers from ${least} to ${most}, not '${text}'`);
  }
  return value;
}

function oneOf<T extends string>(name: string, text: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === text);
  if (found === undefined) throw new UsageError(`${name} takes ${choices.join(', ')}, not '${text}'`);
  return found;
}
