import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { whyNoSecondDriver, type Cleanup } from '@k2hft/test-harness';
import { runCat, type LinesFile } from './cat.js';
import { startK2hft, type K2hft } from './k2hft.js';
import { runLatency } from './latency.js';
import { makeLinesFile } from './lines.js';
import { runResting } from './memory.js';
import type { Options, Part } from './options.js';
import { plainFile } from './plain-file.js';
import { formatProfiles } from './profile-report.js';
import type { Results } from './results.js';
import { prepareRsyslog, startRsyslog } from './rsyslog.js';
import type { Subject } from './subject.js';
import { runWrites } from './writes.js';

/**
 * What rsyslog gets at most in a run. It takes most of its time per line, whatever the length: these take some
 * seconds each, and its speed no longer depends on the amount then.
 */
const RSYSLOG_LINES_MAX = 400_000;
const RSYSLOG_BYTES_MAX = 160e6;
const WRITERS = [1, 4];
/** A plain file shows how much of a latency is that of the measurement; a few lines are enough for that. */
const PLAIN_LATENCY_SECONDS = 2;
/** Without a run of cat in front, memory would be looked at before anything was done. */
const WARM_UP_BYTES = 128e6;

interface Bench {
  cleanup: Cleanup;
  folder: string;
  options: Options;
  results: Results;
  /** With each driver; none when only the peers are measured. */
  mounts: readonly K2hft[];
  rsyslog: Subject | undefined;
  plain: Subject;
}

/** Runs what `options` asks for in `folder`, and adds the figures to `results` as they come. */
export async function runBench(
  cleanup: Cleanup,
  folder: string,
  options: Options,
  results: Results,
): Promise<void> {
  mkdirSync(folder);
  const bench = await start(cleanup, folder, options, results);
  const parts: Record<Part, () => Promise<void>> = {
    cat: () => cats(bench),
    rss: () => resting(bench),
    writes: () => writes(bench),
    latency: () => latencies(bench),
  };
  try {
    for (const [part, run] of Object.entries(parts)) {
      if (options.parts.includes(part as Part)) await run();
    }
    // Ended here and not by the cleanup, so that what they leave at their end is there to be read.
    for (const mount of bench.mounts) await mount.stop();
  } catch (error) {
    if (bench.mounts.length === 0) throw error;
    const printed = bench.mounts.map((mount) => mount.output()).join('\n');
    throw new Error(`the benchmark failed; printed until then:\n${printed}`, { cause: error });
  }
  if (options.profileDir === undefined) return;
  for (const { roles } of bench.mounts) results.remarks.push(formatProfiles(options.profileDir, roles));
}

async function start(cleanup: Cleanup, folder: string, options: Options, results: Results): Promise<Bench> {
  const mounts = options.peers === 'only' ? [] : await startMounts(cleanup, folder, options, results);
  const bench = { cleanup, folder, options, results, mounts, rsyslog: undefined, plain: plainFile(folder) };
  if (options.peers === 'no' || !options.parts.includes('cat')) return bench;
  const missing = await prepareRsyslog(cleanup, folder);
  if (missing !== undefined) {
    results.remarks.push(`Without rsyslog: ${missing}.`);
    return bench;
  }
  results.remarks.push('rsyslog: imfile → queue of type Disk → omrelp → imrelp → omfile, windowSize 10000.');
  return { ...bench, rsyslog: await startRsyslog(cleanup, join(folder, 'rsyslog')) };
}

async function startMounts(
  cleanup: Cleanup,
  folder: string,
  { mode, drivers, profileDir }: Options,
  results: Results,
): Promise<K2hft[]> {
  const mounts: K2hft[] = [];
  for (const driver of drivers) {
    const missing = driver === 'fuse-native' ? whyNoSecondDriver() : undefined;
    if (missing !== undefined) results.remarks.push(`Without fuse-native: ${missing}.`);
    else
      mounts.push(
        await startK2hft(cleanup, { folder: join(folder, `k2hft-${driver}`), mode, driver, profileDir }),
      );
  }
  return mounts;
}

async function cats(bench: Bench): Promise<void> {
  const { options, mounts, rsyslog, plain } = bench;
  for (const lineBytes of options.sizes) {
    const large = makeInput(bench, 'large', lineBytes, options.amounts.catBytes);
    for (const subject of [...mounts, plain]) await catRuns(bench, subject, large);
    rmSync(large.file);
    if (rsyslog === undefined) continue;
    const share = options.amounts.rsyslogShare;
    const bytes = Math.min(RSYSLOG_BYTES_MAX * share, RSYSLOG_LINES_MAX * share * lineBytes);
    const small = makeInput(bench, 'small', lineBytes, bytes);
    await catRuns(bench, rsyslog, small);
    rmSync(small.file);
  }
}

async function catRuns(bench: Bench, subject: Subject, input: LinesFile): Promise<void> {
  for (let run = 0; run < bench.options.runs; run += 1) {
    const name = `cat-${input.lineBytes}-${run}`;
    const done = await runCat(bench.cleanup, subject, input, {
      name,
      folder: bench.folder,
      compare: run === 0,
    });
    await afterRun(bench, subject);
    bench.results.cat.push(done);
    const speed = Math.round(done.lines / done.seconds);
    progress(
      `cat, ${input.lineBytes} bytes, ${subject.name}: ${speed} lines/s in ${done.seconds.toFixed(2)} s`,
    );
  }
}

function makeInput(bench: Bench, name: string, lineBytes: number, bytes: number): LinesFile {
  const file = join(bench.folder, `input-${name}`);
  const lines = Math.floor(bytes / lineBytes);
  // Made before the run and smaller than memory, so it is read from the page cache.
  return { file, lineBytes, lines, bytes: makeLinesFile(file, lineBytes, lines) };
}

async function writes(bench: Bench): Promise<void> {
  const { cleanup, folder, options, mounts, plain } = bench;
  for (const lineBytes of options.sizes) {
    for (const writers of WRITERS) {
      for (const subject of [...mounts, plain]) {
        for (let run = 0; run < options.runs; run += 1) {
          const name = `writes-${lineBytes}-${writers}-${run}`;
          const plan = {
            lineBytes,
            writers,
            writes: options.amounts.writes,
            name,
            folder,
            compare: run === 0,
          };
          const done = await runWrites(cleanup, subject, plan);
          await afterRun(bench, subject);
          bench.results.writes.push(done);
          const speed = Math.round(done.writes / done.writeSeconds);
          progress(`writes, ${lineBytes} bytes, ${writers} programs, ${subject.name}: ${speed} writes/s`);
        }
      }
    }
  }
}

/** One run for each length: it takes its time by the clock, and is itself many measurements. */
async function latencies(bench: Bench): Promise<void> {
  const { cleanup, folder, options, results, mounts, plain } = bench;
  for (const lineBytes of options.sizes) {
    for (const subject of [...mounts, plain]) {
      const seconds = subject === plain ? PLAIN_LATENCY_SECONDS : options.amounts.latencySeconds;
      const done = await runLatency(cleanup, subject, {
        lineBytes,
        seconds,
        name: `latency-${lineBytes}`,
        folder,
      });
      await afterRun(bench, subject);
      results.latency.push(done);
      const figures = `p50 ${done.p50Ms.toFixed(2)} ms, p99 ${done.p99Ms.toFixed(2)} ms`;
      progress(`latency, ${lineBytes} bytes, ${subject.name}: ${figures}`);
    }
  }
}

async function resting(bench: Bench): Promise<void> {
  const { cleanup, folder, options, results, mounts, rsyslog } = bench;
  for (const mount of options.parts.includes('cat') ? [] : mounts) {
    const input = makeInput(bench, 'warm-up', options.sizes[0] ?? 0, WARM_UP_BYTES);
    await runCat(cleanup, mount, input, { name: 'warm-up', folder, compare: false });
    await afterRun(bench, mount);
    rmSync(input.file);
  }
  for (const subject of [...mounts, rsyslog]) {
    if (subject === undefined) continue;
    progress(`memory and idle processor time, ${subject.name}`);
    results.resting.push(await runResting(subject));
  }
}

async function afterRun(bench: Bench, subject: Subject): Promise<void> {
  const mount = bench.mounts.find((one) => one === subject);
  await mount?.idle();
  mount?.requireNoRestart();
}

function progress(text: string): void {
  console.error(text);
}
