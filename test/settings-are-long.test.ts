import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { test } from 'node:test';
import { hasEnded, waitUntil, whyNoMounts } from '@k2hft/test-harness';
import { childNamed } from './killing.js';
import { startPipeline } from './pipeline.js';

const skip = whyNoMounts() ?? false;
const LIMIT_MS = 60_000;
/** Their text is longer than the 128 KiB that Linux takes as one argument or variable of a program. */
const RULES = 3_000;

void test('thousands of rules are served, also by the processes after a kill', { skip }, async (t) => {
  const rules = Array.from({ length: RULES }, (_, index) => ({
    path: `application-${index}/*.log`,
    default: 'deny',
    allow: [`^kept by rule ${index}$`],
  }));
  assert.ok(JSON.stringify(rules).length > 128 * 1024);
  const pipeline = await startPipeline(t, { rules });
  const last = `application-${RULES - 1}`;
  spawnSync('mkdir', [pipeline.inside(last)], { timeout: LIMIT_MS });
  appendFileSync(pipeline.inside(`${last}/a.log`), `dropped\nkept by rule ${RULES - 1}\n`);
  for (const name of ['worker', 'forwarder'] as const) {
    const pid = childNamed(pipeline.mount.process.pid, name);
    assert.ok(pid !== undefined);
    process.kill(pid, 'SIGKILL');
    await waitUntil(`the ${name} has ended`, () => hasEnded(pid));
  }
  appendFileSync(pipeline.inside(`${last}/a.log`), `dropped\nkept by rule ${RULES - 1}\n`);
  await pipeline.arrives(`${last}/a.log`, `kept by rule ${RULES - 1}\n`.repeat(2));
});
