/** `pnpm chaos --minutes N [--mode overlay|virtual] [--server-away] [--relay]`: the kill test for as long as one likes. */
import { parseArgs } from 'node:util';
import { CleanupStack, whyNoMounts } from '@k2hft/test-harness';
import { runChaos } from './chaos.js';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    mode: { type: 'string', default: 'virtual' },
    'server-away': { type: 'boolean', default: false },
    relay: { type: 'boolean', default: false },
  },
});
const cannot = whyNoMounts();
if (cannot !== undefined) {
  console.error(`chaos: ${cannot}`);
  process.exit(1);
}
const cleanup = new CleanupStack();
const interrupted = () => void cleanup.run().then(() => process.exit(130));
process.on('SIGINT', interrupted).on('SIGTERM', interrupted);
try {
  const { kills, tally, written, longestStallMs, errors } = await runChaos(cleanup, {
    durationMs: Number(values.minutes) * 60_000,
    mode: values.mode === 'overlay' ? 'overlay' : 'virtual',
    serverAway: values['server-away'],
    relay: values.relay,
  });
  console.log(
    `kills         worker ${kills.worker}, forwarder ${kills.forwarder}, server ${kills.server}, relay ${kills.relay}`,
  );
  console.log(`written       ${written} lines`);
  console.log(`arrived       ${tally.lines} lines`);
  console.log(`lost          ${tally.lost}`);
  console.log(`doubled       ${tally.doubled}`);
  console.log(`out of order  ${tally.disordered}`);
  console.log(`mangled       ${tally.foreign}`);
  console.log(`errors        ${errors.length} ${errors.join('; ')}`);
  console.log(`longest stall ${longestStallMs.toFixed(0)} ms`);
  const bad = tally.lost + tally.doubled + tally.disordered + tally.foreign + errors.length;
  process.exitCode = bad === 0 ? 0 : 1;
} finally {
  await cleanup.run();
}
