import { Environment } from './environment.js';
import { BATCHES_END, batchKey, batchPosition } from './keys.js';
import { RangeSet, type Range } from './range-set.js';

/**
 * Run as a process of its own, which may crash: prints how many batches a hot that was set aside holds besides those
 * that are kept elsewhere. Arguments: folder, epoch, ranges as JSON.
 */
const [folder = '', epoch = '0', ranges = '[]'] = process.argv.slice(2);
const kept = new RangeSet(JSON.parse(ranges) as Range[]);
let batches = 0;
let bytes = 0;
Environment.openReader(folder).forEach(batchKey(Number(epoch), 0), BATCHES_END, (key, value) => {
  if (kept.has(batchPosition(key).sequence)) return true;
  batches++;
  bytes += value.length;
  return true;
});
process.stdout.write(JSON.stringify({ batches, bytes }));
