import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Cleanup } from '@k2hft/test-harness';
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
  k2hft: K2hft | undefined;
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
    await bench.k2hft?.stop();
  } catch (error) {
    if (bench.k2hft === undefined) throw error;
    throw new Error(`the benchmark failed; printed until then:\n${bench.k2hft.output()}`, { cause: error });
  }
  if (bench.k2hft !== undefined && options.profileDir !== undefined) {
    results.remarks.push(formatProfiles(options.profileDir, bench.k2hft.roles));
  }
}

async function start(cleanup: Cleanup, folder: string, options: Options, results: Results): Promise<Bench> {
  const { mode, profileDir } = options;
  const k2hft =
    options.peers === 'only'
      ? undefined
      : await startK2hft(cleanup, { folder: join(folder, 'k2hft'), mode, profileDir });
  const bench = { cleanup, folder, options, results, k2hft, rsyslog: undefined, plain: plainFile(folder) };
  if (options.peers === 'no' || !options.parts.includes('cat')) return bench;
  const missing = await prepareRsyslog(cleanup, folder);
  if (missing !== undefined) {
    results.remarks.push(`Without rsyslog: ${missing}.`);
    return bench;
  }
  results.remarks.push('rsyslog: imfile → queue of type Disk → omrelp → imrelp → omfile, windowSize 10000.');
  return { ...bench, rsyslog: await startRsyslog(cleanup, join(folder, 'rsyslog')) };
}

async function cats(bench: Bench): Promise<void> {
  const { options, k2hft, rsyslog, plain } = bench;
  for (const lineBytes of options.sizes) {
    const large = makeInput(bench, 'large', lineBytes, options.amounts.catBytes);
    if (k2hft !== undefined) await catRuns(bench, k2hft, large);
    await catRuns(bench, plain, large);
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
  const { cleanup, folder, options, k2hft, plain } = bench;
  for (const lineBytes of options.sizes) {
    for (const writers of WRITERS) {
      for (const subject of k2hft === undefined ? [plain] : [k2hft, plain]) {
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
  const { cleanup, folder, options, results, k2hft, plain } = bench;
  for (const lineBytes of options.sizes) {
    for (const subject of k2hft === undefined ? [plain] : [k2hft, plain]) {
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
  const { cleanup, folder, options, results, k2hft, rsyslog } = bench;
  if (k2hft !== undefined && !options.parts.includes('cat')) {
    const input = makeInput(bench, 'warm-up', options.sizes[0] ?? 0, WARM_UP_BYTES);
    await runCat(cleanup, k2hft, input, { name: 'warm-up', folder, compare: false });
    await afterRun(bench, k2hft);
    rmSync(input.file);
  }
  for (const subject of [k2hft, rsyslog]) {
    if (subject === undefined) continue;
    progress(`memory and idle processor time, ${subject.name}`);
    results.resting.push(await runResting(subject));
  }
}

async function afterRun(bench: Bench, subject: Subject): Promise<void> {
  if (subject !== bench.k2hft) return;
  await bench.k2hft.idle();
  bench.k2hft.requireNoRestart();
}

function progress(text: string): void {
  console.error(text);
}
