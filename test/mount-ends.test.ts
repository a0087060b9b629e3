import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { appendFileSync, closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { test } from 'node:test';
import { childrenOf, hasEnded, MOUNT_COMMAND, waitUntil, whyNoMounts } from '@k2hft/test-harness';
import { startPipeline } from './pipeline.js';

const LIMIT_MS = 240_000;
const skip = whyNoMounts() ?? false;

function k2hft(...args: string[]) {
  // A mount that should have been refused must not keep the test for ever.
  return spawnSync(process.execPath, [MOUNT_COMMAND, ...args], { encoding: 'utf8', timeout: LIMIT_MS });
}

/** The supervisor may have done it already. */
function killWhatIsLeft(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, 'ESRCH');
  }
}

function isMounted(point: string): boolean {
  return readFileSync('/proc/self/mountinfo', 'utf8').includes(` ${point} `);
}

void test('k2hft umount sends unfinished lines, unmounts and ends the processes', { skip }, async (t) => {
  const pipeline = await startPipeline(t);
  appendFileSync(pipeline.inside('a.log'), 'whole\n');
  const fd = openSync(pipeline.inside('b.log'), 'a');
  writeSync(fd, 'unfinished');
  closeSync(fd);
  const { mount } = pipeline;
  const children = childrenOf(mount.process.pid);
  assert.equal(k2hft('umount', mount.point).status, 0);
  assert.equal(await mount.process.ended, 0);
  assert.ok(!isMounted(mount.point));
  for (const pid of children) assert.ok(hasEnded(pid), `process ${pid} has ended when umount has`);
  await pipeline.arrives('a.log', 'whole\n');
  await pipeline.arrives('b.log', 'unfinished');
});

void test('umount(8) ends it as well', { skip }, async (t) => {
  const pipeline = await startPipeline(t);
  appendFileSync(pipeline.inside('a.log'), 'line\n');
  assert.equal(spawnSync('umount', [pipeline.mount.point]).status, 0);
  assert.equal(await pipeline.mount.process.ended, 0);
  await pipeline.arrives('a.log', 'line\n');
});

void test(
  'a mount that is in use is detached when the time to end is over, and its lines are sent',
  { skip },
  async (t) => {
    const pipeline = await startPipeline(t, { settings: { shutdown_timeout: '1s' } });
    const fd = openSync(pipeline.inside('a.log'), 'a');
    writeSync(fd, 'line\nunfinished');
    await pipeline.mount.stop();
    assert.equal(await pipeline.mount.process.ended, 0);
    assert.ok(!isMounted(pipeline.mount.point));
    await pipeline.arrives('a.log', 'line\nunfinished');
    assert.throws(() => {
      closeSync(fd);
    });
  },
);

void test(
  'a worker that is killed at the very end leaves its unfinished lines to a last one',
  { skip },
  async (t) => {
    const pipeline = await startPipeline(t, { settings: { shutdown_timeout: '1s' } });
    const { mount } = pipeline;
    // From the first close on the kernel waits for none.
    appendFileSync(pipeline.inside('a.log'), 'line\n');
    const fd = openSync(pipeline.inside('b.log'), 'a');
    writeSync(fd, 'line\nunfinished');
    const { worker } = mount.status().processes;
    assert.ok(worker !== undefined);
    process.kill(worker, 'SIGSTOP');
    closeSync(fd);
    process.kill(mount.process.pid, 'SIGTERM');
    await waitUntil('it is unmounted', () => !isMounted(mount.point));
    killWhatIsLeft(worker);
    assert.equal(await mount.process.ended, 0);
    await pipeline.arrives('b.log', 'line\nunfinished');
  },
);

void test('commands say what is wrong, with the exit statuses of the contract', { skip }, async (t) => {
  const pipeline = await startPipeline(t);
  const again = k2hft(
    'mount',
    pipeline.mount.point,
    '--json',
    JSON.stringify({ servers: { urls: ['ws://127.0.0.1:1'] } }),
  );
  assert.equal(again.status, 69);
  assert.match(again.stderr, /is mounted by k2hft already/);
  assert.equal(k2hft('umount', '/').status, 69);
  assert.equal(k2hft('status', '/nowhere').status, 69);
  assert.equal(k2hft('mount').status, 78);
  assert.equal(k2hft('mount', '/', '--nonsense').status, 64);
  const unknown = k2hft('mount', '/mnt', '--json', '{"mont": {}}');
  assert.equal(unknown.status, 78);
  assert.match(unknown.stderr, /mount/);
  const later = k2hft(
    'mount',
    '/mnt',
    '--json',
    '{"servers":{"urls":["ws://h:1"]},"rules":[{"path":"**","send":"binary","quota":"1MiB/s"}]}',
  );
  assert.equal(later.status, 78);
  assert.match(later.stderr, /rules\[0\]\.quota: without effect with send: binary/);
  assert.match(k2hft('status', pipeline.mount.point).stdout, /queue .* 0 batches/);
});

void test('k2hft queue looks into a queue in use', { skip }, async (t) => {
  const pipeline = await startPipeline(t);
  pipeline.server.process.child.kill('SIGSTOP');
  appendFileSync(pipeline.inside('a.log'), 'one\ntwo\n');
  const dir = pipeline.mount.queueDir;
  assert.match(k2hft('queue', 'ls', dir).stdout, /waiting {2}1 batches, 2 records/);
  assert.equal(k2hft('queue', 'dump', dir).stdout, 'one\ntwo\n');
  assert.match(k2hft('queue', 'dump', '--json', dir).stdout, /"path":"a.log"/);
  assert.match(k2hft('queue', 'verify', dir).stdout, /checked 1 batches, .*: 0 problems/);
  const drop = k2hft('queue', 'drop', '--yes', dir);
  assert.equal(drop.status, 69);
  assert.match(drop.stderr, /in use by process/);
  pipeline.server.process.child.kill('SIGCONT');
  await pipeline.arrives('a.log', 'one\ntwo\n');
  await pipeline.mount.stop();
  assert.match(k2hft('queue', 'drop', '--yes', dir).stdout, /dropped 0 batches/);
});
