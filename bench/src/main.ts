import { writeFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { CleanupStack, temporaryFolder, whyNoMounts } from '@k2hft/test-harness';
import { runBench } from './bench.js';
import { runFilters } from './filters.js';
import { parseOptions, USAGE, UsageError, type Options } from './options.js';
import { formatReport } from './report.js';
import type { Results } from './results.js';

const EXIT_USAGE = 64;
const EXIT_INTERRUPTED = 130;

process.exitCode = await main(process.argv.slice(2));

async function main(args: string[]): Promise<number> {
  if (args.includes('--help')) {
    console.log(USAGE);
    return 0;
  }
  let options: Options;
  try {
    options = parseOptions(args);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`${error.message}\n${USAGE}`);
    return EXIT_USAGE;
  }
  const reason = whyNoMounts();
  if (reason !== undefined && options.peers !== 'only') {
    console.error(`The benchmark mounts k2hft, which does not work here: ${reason}.`);
    return 1;
  }
  return measure(options);
}

/** Prints what was measured, also when the rest failed, and leaves nothing behind. */
async function measure(options: Options): Promise<number> {
  const cleanup = new CleanupStack();
  const interruption = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (interruption.signal.aborted) return;
      interruption.abort();
      console.error('ending everything');
      void cleanup.run().finally(() => process.exit(EXIT_INTERRUPTED));
    });
  }
  const results = emptyResults(options);
  const loadBefore = loadavg()[0] ?? NaN;
  let status = 0;
  try {
    const folder = join(temporaryFolder(cleanup), 'bench');
    if (options.filters) results.filters = await runFilters(cleanup, folder, options);
    else await runBench(cleanup, folder, options, results);
  } catch (error) {
    // What an interrupted run complains about is of no interest; the signal's handler ends the process.
    if (interruption.signal.aborted) return await new Promise<never>(() => undefined);
    console.error(error);
    status = 1;
  }
  results.remarks.push(loadRemark(loadBefore));
  await cleanup.run();
  console.log(`\n${formatReport(results)}`);
  if (options.jsonFile !== undefined)
    writeFileSync(options.jsonFile, `${JSON.stringify(results, undefined, 2)}\n`);
  return status;
}

/** Who reads the figures has to know whether somebody else was at work on the machine. */
function loadRemark(before: number): string {
  const after = loadavg()[0] ?? NaN;
  return `Load average before the start: ${before.toFixed(2)}, at the end: ${after.toFixed(2)}.`;
}

function emptyResults({ runs, mode }: Options): Results {
  const processors = cpus();
  return {
    machine: {
      cpu: processors[0]?.model.trim() ?? 'unknown processor',
      cores: processors.length,
      memoryBytes: totalmem(),
      kernel: release(),
      node: process.versions.node,
    },
    runs,
    mode,
    cat: [],
    writes: [],
    latency: [],
    resting: [],
    remarks: [],
  };
}
