import { nowSeconds } from './clock.js';
import { countUp, makeLine } from './lines.js';

/** As the rule's settings are in packages/mount. */
export interface FilterSettings {
  default: 'allow' | 'deny';
  allow: string[];
  deny: string[];
  select: { pattern: string; output: string | undefined }[];
  rewrite: [string, string][];
}

interface FilterModule {
  compileFilter: (settings: FilterSettings) => Filter | undefined;
}

interface Filter {
  apply(source: Buffer, start: number, end: number): { payload: Buffer };
}

/** The mount is a program and exports nothing: its compiled file is loaded as it lies. */
const MODULE = new URL('../../../packages/mount/dist/src/line-filter.js', import.meta.url);
/** What the kernel hands over at once. */
const WRITE_BYTES = 128 * 1024;
const WARM_UP_SECONDS = 0.2;
const SECONDS = 1;

/** Lines per second that a filter alone gets through in one process, as writes of 128 KiB and as single lines. */
export async function measureFilter(
  settings: FilterSettings,
  lineBytes: number,
): Promise<{ linesPerSecond: number; singleLinesPerSecond: number }> {
  const { compileFilter } = (await import(MODULE.href)) as FilterModule;
  const filter = compileFilter(settings);
  if (filter === undefined) throw new Error('the filter looks at no line');
  const measure = (lines: number) => {
    const bytes = makeLines(lineBytes, lines);
    repeat(WARM_UP_SECONDS, () => filter.apply(bytes, 0, bytes.length));
    return lines * repeat(SECONDS, () => filter.apply(bytes, 0, bytes.length));
  };
  return { linesPerSecond: measure(Math.floor(WRITE_BYTES / lineBytes)), singleLinesPerSecond: measure(1) };
}

function makeLines(lineBytes: number, count: number): Buffer {
  const bytes = Buffer.alloc(lineBytes * count);
  const line = makeLine(lineBytes, 0);
  for (let place = 0; place < count; place += 1) {
    line.copy(bytes, place * lineBytes);
    countUp(line, 0);
  }
  return bytes;
}

/** How often a second. */
function repeat(seconds: number, action: () => void): number {
  const start = nowSeconds();
  let times = 0;
  let end = start;
  while (end < start + seconds) {
    // The clock is read seldom enough to cost nothing beside what is measured.
    for (let turn = 0; turn < 10; turn += 1) action();
    times += 10;
    end = nowSeconds();
  }
  return times / (end - start);
}
