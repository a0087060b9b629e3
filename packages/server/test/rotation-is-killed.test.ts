import { strict as assert } from 'node:assert';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { startProcess, temporaryFolder, waitUntil } from '@k2hft/test-harness';
import { rotatedAmong } from '../src/rotate-name.js';
import { configurationOf, startServer } from './server-process.js';
import { SourceClient, type BatchToSend } from './source-client.js';

const MAIN = fileURLToPath(new URL('../src/main.js', import.meta.url));
const KILL_AT = new URL('./kill-at.js', import.meta.url).href;

/** Two rotations: the steps of one are mixed with the compression of the one before. */
const BATCHES: BatchToSend[] = Array.from({ length: 7 }, (_each, index) => {
  return { sequence: index + 1, payload: `${String(index).padEnd(99, '.')}\n` };
});
const OUTPUT = { fsync: 'always', rotate: { size: 300, keep: 100 } };

/** More steps than a run has; those at the end are never reached. */
const STEPS_MAX = 200;
const AT_A_TIME = 4;

/** Whether the server was killed: false when it had no such step. */
async function killAtStep(context: TestContext, step: number): Promise<boolean> {
  const folder = temporaryFolder(context);
  const args = ['--import', KILL_AT, MAIN, '--json', configurationOf({ folder, output: OUTPUT })];
  const env = { ...process.env, KILL_AT: String(step) };
  const child = startProcess(context, process.execPath, args, { env });
  await child.printed(/listening on \S+/);
  const client = await SourceClient.connect(/listening on (\S+)/.exec(child.output())?.[1] ?? '');
  client.send(...BATCHES);
  let ended = false;
  void child.ended.then(() => (ended = true));
  await waitUntil('the kill, or the end of the work', () => ended || isInOrder(join(folder, 'output')));
  const wasKilled = ended;
  child.child.kill('SIGKILL');
  await child.ended;
  const again = await startServer(context, { folder, output: OUTPUT });
  const renewed = await SourceClient.connect(again.url);
  renewed.send(...BATCHES);
  await renewed.acknowledges(BATCHES.length);
  await waitUntil(`the compression after a kill at step ${step}`, () => isInOrder(again.outputFolder));
  assert.equal(
    allText(again.outputFolder),
    BATCHES.map(({ payload }) => String(payload)).join(''),
    `step ${step}`,
  );
  renewed.close();
  again.child.kill('SIGKILL');
  await again.ended;
  return wasKilled;
}

/** Everything that is rotated is compressed, and nothing is left over. */
function isInOrder(folder: string): boolean {
  const names = readdirSync(folder);
  const rotated = rotatedAmong('a.log', names);
  return rotated.length >= 2 && rotated.every(({ kind }) => kind === 'compressed');
}

function allText(folder: string): string {
  const rotated = rotatedAmong('a.log', readdirSync(folder)).map(({ segment }) => {
    return gunzipSync(readFileSync(join(folder, segment))).toString();
  });
  return rotated.join('') + readFileSync(join(folder, 'a.log'), 'utf8');
}

test('at whatever step of a rotation the server is killed, each line is there once and in order', async (context) => {
  let last = STEPS_MAX;
  for (let step = 1; step <= last; step += AT_A_TIME) {
    const steps = Array.from({ length: AT_A_TIME }, (_each, index) => step + index);
    const killed = await Promise.all(steps.map((each) => killAtStep(context, each)));
    if (killed.includes(false)) last = 0;
    else assert.ok(step < STEPS_MAX - AT_A_TIME, 'the steps come to no end');
    if (last === 0) assert.ok(step > 20, `only ${step} steps`);
  }
});
