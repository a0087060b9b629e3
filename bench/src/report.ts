import { compareWithAims, isMet } from './aims.js';
import { formatFilters } from './filter-report.js';
import { LINES_PER_SECOND } from './latency.js';
import { IDLE_SECONDS } from './memory.js';
import { catFigures, sizesOf, writesFigures, type Results } from './results.js';
import { formatTable, type Cell } from './table.js';

const MB = 1e6;

/** All figures as plain text for people. */
export function formatReport(results: Results): string {
  const sections = [
    machineLine(results),
    catSection(results),
    writesSection(results),
    latencySection(results),
    restingSection(results),
    results.filters === undefined ? '' : formatFilters(results.filters),
    aimsSection(results),
    results.remarks.join('\n'),
  ];
  return sections.filter((section) => section !== '').join('\n\n');
}

function machineLine({ machine, runs, mode }: Results): string {
  const memory = Math.round(machine.memoryBytes / 2 ** 30);
  const of = runs === 1 ? 'one run' : `medians of ${runs} runs`;
  return `${machine.cores} × ${machine.cpu}, ${memory} GiB, Linux ${machine.kernel}, Node ${machine.node}; mode ${mode}, ${of}`;
}

function catSection(results: Results): string {
  const sizes = sizesOf(results.cat);
  if (sizes.length === 0) return '';
  const head = [
    'bytes/line',
    'through',
    'data MB',
    'lines/s',
    'MB/s',
    'CPU s/GB',
    'cat MB/s',
    'cat CPU s/GB',
  ];
  head.push('k2hft is ×');
  const rows = sizes.flatMap((size) => {
    const ours = catFigures(results, 'k2hft', size);
    return ['k2hft', 'fuse-native', 'rsyslog', 'plain file'].flatMap((subject): Cell[][] => {
      const found = catFigures(results, subject, size);
      if (found === undefined) return [];
      const cpu = subject === 'plain file' ? undefined : found.cpuSecondsPerGigabyte;
      const ratio = subject === 'k2hft' ? undefined : (ours?.linesPerSecond ?? NaN) / found.linesPerSecond;
      const cat = [found.catMegabytesPerSecond, found.catCpuSecondsPerGigabyte];
      return [
        [
          String(size),
          subject,
          found.bytes / MB,
          found.linesPerSecond,
          found.megabytesPerSecond,
          cpu,
          ...cat,
          ratio,
        ],
      ];
    });
  });
  return `cat of a file until the last line is in the output (cat's own time and CPU apart; × compares lines/s)\n${formatTable(head, rows)}`;
}

function writesSection(results: Results): string {
  const sizes = sizesOf(results.writes);
  if (sizes.length === 0) return '';
  const head = [
    'bytes/line',
    'programs',
    'through',
    'writes',
    'writes/s',
    'complete/s',
    'CPU µs/line',
    'k2hft is ×',
  ];
  const rows = sizes.flatMap((size) =>
    [1, 4].flatMap((writers) => {
      const ours = writesFigures(results, 'k2hft', size, writers);
      return ['k2hft', 'fuse-native', 'plain file'].flatMap((subject): Cell[][] => {
        const found = writesFigures(results, subject, size, writers);
        if (found === undefined) return [];
        const cpu = subject === 'plain file' ? undefined : found.cpuMicrosecondsPerLine;
        const ratio =
          subject === 'k2hft' ? undefined : (ours?.writesPerSecond ?? NaN) / found.writesPerSecond;
        const speeds = [found.writesPerSecond, found.completePerSecond];
        return [[String(size), String(writers), subject, found.writes, ...speeds, cpu, ratio]];
      });
    }),
  );
  return `One line per write(2): as the programs see it, and until the last line is in the output\n${formatTable(head, rows)}`;
}

function latencySection(results: Results): string {
  if (results.latency.length === 0) return '';
  const rows = results.latency.map((run): Cell[] => [
    String(run.lineBytes),
    run.subject,
    run.lines,
    run.p50Ms,
    run.p99Ms,
    run.maxMs,
  ]);
  const title = `Latency at ${LINES_PER_SECOND} lines/s: before write(2) until read from the output (one run)`;
  return `${title}\n${formatTable(['bytes/line', 'through', 'lines', 'p50 ms', 'p99 ms', 'max ms'], rows)}`;
}

function restingSection(results: Results): string {
  if (results.resting.length === 0) return '';
  const rows = results.resting.flatMap((run) =>
    Object.entries(run.memory).map(([role, memory]): Cell[] => {
      const megabytes = [memory.resident / MB, memory.anonymous / MB, memory.peak / MB];
      return [`${run.subject} ${role}`, ...megabytes, run.idleCpuPercent[role]];
    }),
  );
  const head = ['process', 'RSS MB', 'anonymous MB', 'peak RSS MB', 'idle CPU %'];
  return `Memory afterwards, and processor time while nothing happens for ${IDLE_SECONDS} s\n${formatTable(head, rows)}`;
}

function aimsSection(results: Results): string {
  const outcomes = compareWithAims(results);
  if (outcomes.length === 0) return '';
  const rows = outcomes.map((outcome): Cell[] => [
    outcome.what,
    outcome.atLeast ? '≥' : '≤',
    outcome.aim,
    outcome.reached,
    outcome.unit,
    isMet(outcome) ? 'yes' : 'NO',
  ]);
  return `Aims\n${formatTable(['', '', 'aim', 'k2hft', 'unit', 'met'], rows)}`;
}
