// Single lines at a steady pace. Arguments: FILE LINE_BYTES COUNT PER_SECOND. Reports the moment before each
// write(2), in seconds on the monotonic clock.
import { openSync, writeSync } from 'node:fs';
import { nowSeconds, pauseMs } from './clock.js';
import { countUp, makeLine } from './lines.js';

const [file = '', ...figures] = process.argv.slice(2);
const [lineBytes = 0, count = 0, perSecond = 1] = figures.map(Number);
const line = makeLine(lineBytes, 0);
const output = openSync(file, 'a');

process.once('message', () => {
  const written = new Array<number>(count).fill(0);
  const start = nowSeconds();
  for (let number = 0; number < count; number += 1) {
    pauseMs((start + number / perSecond - nowSeconds()) * 1000);
    written[number] = nowSeconds();
    writeSync(output, line);
    countUp(line, 0);
  }
  process.send?.({ written }, () => {
    process.disconnect();
  });
});
process.send?.('ready');
