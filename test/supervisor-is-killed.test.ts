import assert from 'node:assert/strict';
import { appendFileSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  hasEnded,
  sendSignal,
  startMount,
  startServer,
  temporaryFolder,
  waitUntil,
  whyNoMounts,
} from '@k2hft/test-harness';
import { childOf } from './killing.js';
import { pipelineOf } from './pipeline.js';

const skip = whyNoMounts() ?? false;

function isMounted(point: string): boolean {
  return readFileSync('/proc/self/mountinfo', 'utf8').includes(` ${point} `);
}

for (const mode of ['virtual', 'overlay'] as const) {
  void test(
    `the supervisor is killed: the mount goes, and after a new one nothing is lost (${mode})`,
    { skip },
    async (t) => {
      const folder = temporaryFolder(t);
      const server = await startServer(t, { folder: join(folder, 'server') });
      const options = { folder: join(folder, 'source'), urls: [server.url], mode };
      const first = await startMount(t, options);
      const worker = childOf(first.process.pid, 'worker');
      const forwarder = childOf(first.process.pid, 'forwarder');
      // The server is away, so that the queue still holds everything when the supervisor dies.
      server.process.child.kill('SIGSTOP');
      const lines = Array.from({ length: 500 }, (_, index) => `line ${index}\n`).join('');
      appendFileSync(join(first.point, 'app.log'), lines);
      const fd = openSync(join(first.point, 'app.log'), 'a');
      writeSync(fd, 'unfinished');
      first.process.child.kill('SIGKILL');
      await waitUntil('the mount is gone', () => !isMounted(first.point));
      await waitUntil('its children are gone', () => hasEnded(worker) && hasEnded(forwarder));
      server.process.child.kill('SIGCONT');
      const pipeline = pipelineOf(folder, server, await startMount(t, options));
      await pipeline.arrives('app.log', `${lines}unfinished`);
      appendFileSync(pipeline.inside('app.log'), 'after\n');
      await pipeline.arrives('app.log', `${lines}unfinished\nafter\n`);
    },
  );
}

void test(
  'all processes are killed at once: the dead mount is taken away by the next one',
  { skip },
  async (t) => {
    const folder = temporaryFolder(t);
    const server = await startServer(t, { folder: join(folder, 'server') });
    const options = { folder: join(folder, 'source'), urls: [server.url] };
    const first = await startMount(t, options);
    appendFileSync(join(first.point, 'app.log'), 'one\n');
    const pids = [
      childOf(first.process.pid, 'forwarder'),
      childOf(first.process.pid, 'worker'),
      first.process.pid,
    ];
    for (const pid of pids) sendSignal(pid, 'SIGKILL');
    await first.process.ended;
    const pipeline = pipelineOf(folder, server, await startMount(t, options));
    appendFileSync(pipeline.inside('app.log'), 'two\n');
    await pipeline.arrives('app.log', 'one\ntwo\n');
  },
);

void test('a frozen forwarder of a killed mount is gone before the next one writes', { skip }, async (t) => {
  const folder = temporaryFolder(t);
  const server = await startServer(t, { folder: join(folder, 'server') });
  const options = { folder: join(folder, 'source'), urls: [server.url] };
  const first = await startMount(t, options);
  const forwarder = childOf(first.process.pid, 'forwarder');
  process.kill(forwarder, 'SIGSTOP');
  appendFileSync(join(first.point, 'app.log'), 'one\n');
  first.process.child.kill('SIGKILL');
  const pipeline = pipelineOf(folder, server, await startMount(t, options));
  assert.ok(hasEnded(forwarder));
  await pipeline.arrives('app.log', 'one\n');
});

void test('two mounts never share a queue, and the second is told who has it', { skip }, async (t) => {
  const folder = temporaryFolder(t);
  const server = await startServer(t, { folder: join(folder, 'server') });
  const first = await startMount(t, { folder: join(folder, 'source'), urls: [server.url] });
  const second = startMount(t, {
    folder: join(folder, 'other'),
    urls: [server.url],
    queue: { dir: first.queueDir },
  });
  await assert.rejects(second, new RegExp(`in use by process ${first.process.pid}`));
});
