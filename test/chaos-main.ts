/**
 * `pnpm chaos --minutes N [--deliver failover|random|hash|broadcast] [--servers 3] [--mode overlay|virtual]`: the kill
 * test for as long as one likes; without --deliver each of the four gets its share of the time. With `--server-away`
 * or `--relay` there is one server, and only processes are killed.
 */
import { parseArgs } from 'node:util';
import { CleanupStack, whyNoMounts } from '@k2hft/test-harness';
import { runNetworkChaos, type NetworkChaosResult } from './chaos-network.js';
import { runChaos, type ChaosResult } from './chaos.js';
import { DELIVERIES, type Deliver } from './three-servers.js';

const USAGE_STATUS = 64;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    mode: { type: 'string', default: 'virtual' },
    deliver: { type: 'string' },
    servers: { type: 'string', default: '3' },
    'server-away': { type: 'boolean', default: false },
    relay: { type: 'boolean', default: false },
  },
});
const mode = values.mode === 'overlay' ? 'overlay' : 'virtual';
const durationMs = Number(values.minutes) * 60_000;
const servers = Number(values.servers);
const chosen = DELIVERIES.filter((deliver) => values.deliver === undefined || deliver === values.deliver);
if (!(durationMs > 0) || chosen.length === 0 || !Number.isInteger(servers) || servers < 2 || servers > 8) {
  console.error(`chaos: --minutes N above 0, --deliver ${DELIVERIES.join('|')}, --servers 2 to 8`);
  process.exit(USAGE_STATUS);
}
const cannot = whyNoMounts();
if (cannot !== undefined) {
  console.error(`chaos: ${cannot}`);
  process.exit(1);
}

let present = new CleanupStack();
const interrupted = () => void present.run().then(() => process.exit(130));
process.on('SIGINT', interrupted).on('SIGTERM', interrupted);

/** Runs one part, and undoes what it has started. */
async function part<T>(run: (cleanup: CleanupStack) => Promise<T>): Promise<T> {
  present = new CleanupStack();
  try {
    return await run(present);
  } finally {
    await present.run();
  }
}

function printSingle({ kills, tally, written, longestStallMs, errors }: ChaosResult): boolean {
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
  return tally.lost + tally.doubled + tally.disordered + tally.foreign + errors.length === 0;
}

function printServers(deliver: Deliver, result: NetworkChaosResult): boolean {
  const { faults, tally, written, handedOver, longestStallMs, errors } = result;
  // Each server of a broadcast has to have everything.
  const isBroadcast = deliver === 'broadcast';
  const lost = isBroadcast ? tally.missing.reduce((sum, lines) => sum + lines, 0) : tally.lost;
  console.log(deliver);
  console.log(
    `  kills         worker ${faults.worker}, forwarder ${faults.forwarder}, server ${faults.server}`,
  );
  console.log(`  freezes       ${faults.freezes}`);
  console.log(`  cuts          ${faults.cuts}`);
  console.log(`  written       ${written} lines`);
  console.log(`  arrived       ${tally.lines.join(' + ')} lines`);
  console.log(`  lost          ${lost}${isBroadcast ? ' (at any server)' : ''}`);
  if (!isBroadcast) {
    console.log(`  doubled       ${tally.doubled} lines are on two servers`);
    console.log(`  handed over   ${handedOver} batches, while the forwarder lived`);
  }
  console.log(`  repeated      ${tally.repeated} lines are on one server twice`);
  console.log(`  out of order  ${tally.disordered}`);
  console.log(`  mangled       ${tally.foreign}`);
  console.log(`  errors        ${errors.length} ${errors.join('; ')}`);
  console.log(`  longest stall ${longestStallMs.toFixed(0)} ms`);
  return lost + tally.repeated + tally.disordered + tally.foreign + errors.length === 0;
}

if (values.relay || values['server-away']) {
  const { relay } = values;
  const serverAway = values['server-away'];
  const result = await part((cleanup) => runChaos(cleanup, { durationMs, mode, serverAway, relay }));
  if (!printSingle(result)) process.exitCode = 1;
} else {
  for (const deliver of chosen) {
    const options = { durationMs: durationMs / chosen.length, mode, deliver, servers } as const;
    const result = await part((cleanup) => runNetworkChaos(cleanup, options));
    if (!printServers(deliver, result)) process.exitCode = 1;
  }
}
