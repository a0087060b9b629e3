// Looks when lines become visible in a file. Arguments: FILE LINE_BYTES COUNT LIMIT_SECONDS. Reports for each line's
// number the moment at which it was read, in seconds on the monotonic clock; 0 when it did not come in time.
import { fstatSync, openSync, readSync } from 'node:fs';
import { nowSeconds, pauseMs } from './clock.js';
import { NUMBER_DIGITS } from './lines.js';

/** Short beside the milliseconds that are measured; without any pause this would take one of the machine's cores. */
const PAUSE_MS = 0.1;

const [file = '', ...figures] = process.argv.slice(2);
const [lineBytes = 0, count = 0, limitSeconds = 0] = figures.map(Number);

process.once('message', () => {
  const seen = look();
  process.send?.({ seen }, () => {
    process.disconnect();
  });
});
process.send?.('ready');

function look(): number[] {
  const seen = new Array<number>(count).fill(0);
  const deadline = nowSeconds() + limitSeconds;
  const input = openWhenThere(deadline);
  const line = Buffer.alloc(lineBytes);
  for (let offset = 0; input !== undefined && offset < count * lineBytes && nowSeconds() < deadline;) {
    if (fstatSync(input).size - offset < lineBytes) {
      pauseMs(PAUSE_MS);
      continue;
    }
    readSync(input, line, 0, lineBytes, offset);
    seen[Number(line.toString('latin1', 0, NUMBER_DIGITS))] = nowSeconds();
    offset += lineBytes;
  }
  return seen;
}

/** The first line makes the file. */
function openWhenThere(deadline: number): number | undefined {
  while (nowSeconds() < deadline) {
    try {
      return openSync(file, 'r');
    } catch {
      pauseMs(PAUSE_MS);
    }
  }
  return undefined;
}
