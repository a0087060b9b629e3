// One line per write(2), as fast as it goes. Arguments: FILE LINE_BYTES COUNT. Says that it is ready, begins when
// it is told to, and then reports when it began and ended, in seconds on the monotonic clock.
import { openSync, writeSync } from 'node:fs';
import { nowSeconds } from './clock.js';
import { countUp, makeLine } from './lines.js';

const [file = '', lineBytes = '', count = ''] = process.argv.slice(2);
const line = makeLine(Number(lineBytes), 0);
const output = openSync(file, 'a');

process.once('message', () => {
  const start = nowSeconds();
  for (let left = Number(count); left > 0; left -= 1) {
    if (writeSync(output, line) !== line.length) throw new Error('a write was cut short');
    countUp(line, 0);
  }
  process.send?.({ start, end: nowSeconds() }, () => {
    process.disconnect();
  });
});
process.send?.('ready');
