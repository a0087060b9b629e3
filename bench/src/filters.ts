import { mkdirSync, rmSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import { join } from 'node:path';
import type { Cleanup } from '@k2hft/test-harness';
import { runCat, type CatRun } from './cat.js';
import { measureFilter, type FilterSettings } from './filter-alone.js';
import { startK2hft } from './k2hft.js';
import { makeLine, makeLinesFile, NUMBER_DIGITS } from './lines.js';
import type { Options } from './options.js';
import type { FilterFigures } from './results.js';

const LINE_BYTES = 100;
/** Shares of the lines are whole numbers then. */
const LINES_MULTIPLE = 10;

/** Lines carry a number, so a pattern on its last digit meets every tenth of them. */
const DIGIT = NUMBER_DIGITS - 1;
const ALLOW = { default: 'deny', allow: ['^[0-9]+jkl'] };
const ALLOW_DENY_REWRITE = { ...ALLOW, deny: ['5jkl'], rewrite: [['xyz a[a-c]+', '***']] };
const TIME_FORMAT = '%F %T %-';
const TIME_BYTES = '2000-01-01 00:00:00 123456789'.length;

interface Variant {
  name: string;
  rule: Record<string, unknown>;
  output?: Record<string, unknown>;
  /** What comes out for a line, as the rule and the format say. */
  outputBytes(line: string, file: string, pid: number): number;
}

const VARIANTS: readonly Variant[] = [
  { name: 'no rule', rule: {}, outputBytes: (line) => line.length },
  { name: 'one allow', rule: ALLOW, outputBytes: (line) => line.length },
  {
    name: 'allow + deny + rewrite',
    rule: ALLOW_DENY_REWRITE,
    outputBytes: (line) => (line[DIGIT] === '5' ? 0 : line.replace(/xyz a[a-c]+/gu, '***').length),
  },
  {
    name: 'format with every escape',
    rule: {},
    output: { format: '%H\\t%P %U %G %F %f %T %% %l\\n%L', time_format: TIME_FORMAT },
    outputBytes(line, file, pid) {
      const { uid, gid } = userInfo();
      const start = `${hostname()}\t${pid} ${uid} ${gid} ${file} ${file} `;
      return Buffer.byteLength(start) + TIME_BYTES + ' % '.length + 2 * line.length;
    },
  },
];

/** What rules and formats cost: the same lines through a mount with each, and through the filter alone. */
export async function runFilters(cleanup: Cleanup, folder: string, options: Options): Promise<FilterFigures> {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'input-filters');
  const count = Math.floor(options.amounts.filterBytes / LINE_BYTES / LINES_MULTIPLE) * LINES_MULTIPLE;
  const bytes = makeLinesFile(file, LINE_BYTES, count);
  const input = { file, lineBytes: LINE_BYTES, lines: count, bytes };
  const through: FilterFigures['through'] = [];
  for (const [index, variant] of VARIANTS.entries()) {
    const k2hft = await startK2hft(cleanup, {
      folder: join(folder, `filters-${index}`),
      mode: options.mode,
      profileDir: options.profileDir,
      rule: variant.rule,
      ...(variant.output === undefined ? {} : { output: variant.output }),
    });
    for (let run = 0; run < options.runs; run += 1) {
      const name = `filters-${run}`;
      const outputBytes = (pid: number) => outputOf(variant, count, name, pid);
      const done: CatRun = await runCat(cleanup, k2hft, input, { name, folder, compare: false, outputBytes });
      await k2hft.idle();
      k2hft.requireNoRestart();
      through.push({ ...done, variant: variant.name });
      console.error(`${variant.name}: ${Math.round(done.lines / done.seconds)} lines/s`);
    }
    await k2hft.stop();
  }
  rmSync(file);
  return { through, alone: await aloneFigures() };
}

/** Ten lines stand for all: only the digits in front differ, and the last one is all that a pattern looks at. */
function outputOf(variant: Variant, count: number, file: string, pid: number): number {
  let bytes = 0;
  for (let number = 0; number < LINES_MULTIPLE; number += 1) {
    bytes += variant.outputBytes(makeLine(LINE_BYTES, number).toString('latin1'), file, pid);
  }
  return (bytes / LINES_MULTIPLE) * count;
}

async function aloneFigures(): Promise<FilterFigures['alone']> {
  const nothing: FilterSettings = { default: 'allow', allow: [], deny: [], select: [], rewrite: [] };
  const filters: [name: string, settings: Partial<FilterSettings>][] = [
    ['one allow, all kept', { default: 'deny', allow: ['^[0-9]+jkl'] }],
    ['one allow, half kept', { default: 'deny', allow: ['[02468]jkl'] }],
    ['one deny, none dropped', { deny: ['ERROR'] }],
    ['allow + deny + rewrite', ALLOW_DENY_REWRITE as Partial<FilterSettings>],
    [
      'select (.*)5jkl(.*) with output',
      { default: 'deny', select: [{ pattern: '(.*)5jkl(.*)', output: '$1$2' }] },
    ],
    ['one deny with lookbehind', { deny: ['(?<=5)jkl'] }],
    ['one deny that runs away', { deny: ['(x+x+)+y'] }],
  ];
  const figures: FilterFigures['alone'] = [];
  for (const [name, changes] of filters) {
    figures.push({ name, ...(await measureFilter({ ...nothing, ...changes }, LINE_BYTES)) });
  }
  return figures;
}
