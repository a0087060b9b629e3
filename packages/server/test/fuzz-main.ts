/**
 * `pnpm fuzz --seconds N [--seed S] [--connections 10000]`: attacks a server on this host for as long as one likes, and says
 * what it cost.
 */
import { parseArgs } from 'node:util';
import { CleanupStack } from '@k2hft/test-harness';
import { fuzz } from './fuzz.js';

const USAGE_STATUS = 64;

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    connections: { type: 'string', default: '10000' },
  },
});
const [seconds, seed, connections] = [values.seconds, values.seed, values.connections].map(Number);
if (!(Number(seconds) > 0) || !Number.isInteger(seed) || !Number.isInteger(connections)) {
  console.error('fuzz: --seconds N above 0, --seed and --connections whole numbers');
  process.exit(USAGE_STATUS);
}
const cleanup = new CleanupStack();
try {
  console.log(`seed ${seed ?? 0}`);
  const result = await fuzz(cleanup, {
    seconds: seconds ?? 0,
    seed: seed ?? 0,
    connections: connections ?? 0,
  });
  const { before, peak, after } = result.megabytes;
  console.log(
    `${result.attacks} attacks, ${result.connections} connections at once, ${result.lines} honest lines arrived`,
  );
  console.log(`memory of the server: ${before} MB before, ${peak} MB at most, ${after} MB after`);
} finally {
  await cleanup.run();
}
