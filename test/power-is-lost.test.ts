import assert from 'node:assert/strict';
import { appendFileSync, closeSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  freezeProcess,
  sendSignal,
  startMount,
  startServer,
  temporaryFolder,
  waitUntil,
  waitUntilDelivered,
  whyNoMounts,
  type Cleanup,
  type RunningMount,
  type RunningServer,
} from '@k2hft/test-harness';
import { childOf } from './killing.js';

const skip = whyNoMounts() ?? false;

interface Site {
  folder: string;
  server: RunningServer;
  mount: RunningMount;
  log: string;
}

/** A mount whose batches only a checkpoint that fsync(2) asked for makes durable. */
async function start(t: Cleanup, bootId: string, earlier?: Site): Promise<Site> {
  const folder = earlier?.folder ?? temporaryFolder(t);
  const server = earlier?.server ?? (await startServer(t, { folder: join(folder, 'server') }));
  const mount = await startMount(t, {
    folder: join(folder, 'source'),
    urls: [server.url],
    queue: { checkpoint: '1h' },
    settings: { shutdown_timeout: '1s' },
    environment: { K2HFT_BOOT_ID: bootId },
  });
  return { folder, server, mount, log: join(mount.point, 'app.log') };
}

/** Nothing of the source host goes on: what is only in memory is gone with the boot id. */
async function losePower({ mount }: Site): Promise<void> {
  const children = [childOf(mount.process.pid, 'forwarder'), childOf(mount.process.pid, 'worker')];
  // The supervisor first: it must not start others.
  for (const pid of [mount.process.pid, ...children]) sendSignal(pid, 'SIGKILL');
  await mount.process.ended;
}

const arrived = ({ folder }: Site) => readFileSync(join(folder, 'server', 'output', 'app.log'), 'utf8');

void test(
  'what was fsynced is delivered, what was not is reported, nothing is taken for seen',
  { skip },
  async (t) => {
    const before = await start(t, 'boot-1');
    appendFileSync(before.log, 'delivered\n');
    await waitUntilDelivered(before.mount);
    before.server.process.child.kill('SIGSTOP');
    const fd = openSync(before.log, 'a');
    writeSync(fd, 'synced 1\nsynced 2\n');
    fsyncSync(fd);
    // Else it might be in a socket already, and arrive in spite of all.
    await freezeProcess(childOf(before.mount.process.pid, 'forwarder'));
    writeSync(fd, 'not synced\n');
    await losePower(before);
    before.server.process.child.kill('SIGCONT');
    const after = await start(t, 'boot-2', before);
    appendFileSync(after.log, 'new 1\nnew 2\nnew 3\n');
    await waitUntilDelivered(after.mount);
    assert.equal(arrived(after), 'delivered\nsynced 1\nsynced 2\nnew 1\nnew 2\nnew 3\n');
    await waitUntil('the loss is reported', () =>
      /thrown away with 1 batches/.test(after.mount.process.output()),
    );
  },
);

void test('what was delivered and checkpointed is not doubled', { skip }, async (t) => {
  const before = await start(t, 'boot-1');
  before.server.process.child.kill('SIGSTOP');
  const fd = openSync(before.log, 'a');
  writeSync(fd, 'one\n');
  fsyncSync(fd);
  before.server.process.child.kill('SIGCONT');
  await waitUntil('the line arrives', () => {
    try {
      return arrived(before) === 'one\n';
    } catch {
      return false;
    }
  });
  await losePower(before);
  const after = await start(t, 'boot-2', before);
  appendFileSync(after.log, 'two\n');
  await waitUntilDelivered(after.mount);
  assert.equal(arrived(after), 'one\ntwo\n');
});

void test('an unfinished line that was fsynced is delivered, once', { skip }, async (t) => {
  const before = await start(t, 'boot-1');
  before.server.process.child.kill('SIGSTOP');
  const fd = openSync(before.log, 'a');
  writeSync(fd, 'unfinished');
  fsyncSync(fd);
  await losePower(before);
  before.server.process.child.kill('SIGCONT');
  const after = await start(t, 'boot-2', before);
  appendFileSync(after.log, 'next\n');
  await waitUntilDelivered(after.mount);
  assert.equal(arrived(after), 'unfinished\nnext\n');
});

void test(
  'an unfinished line that was fsynced, finished and delivered is not doubled',
  { skip },
  async (t) => {
    const before = await start(t, 'boot-1');
    const fd = openSync(before.log, 'a');
    writeSync(fd, 'begun ');
    fsyncSync(fd);
    writeSync(fd, 'and ended\n');
    await waitUntilDelivered(before.mount);
    await losePower(before);
    const after = await start(t, 'boot-2', before);
    appendFileSync(after.log, 'next\n');
    await waitUntilDelivered(after.mount);
    assert.equal(arrived(after), 'begun and ended\nnext\n');
  },
);

void test('an orderly end and a reboot lose nothing', { skip }, async (t) => {
  const before = await start(t, 'boot-1');
  before.server.process.child.kill('SIGSTOP');
  const fd = openSync(before.log, 'a');
  writeSync(fd, 'one\ntwo\nunfinished');
  closeSync(fd);
  await before.mount.stop();
  before.server.process.child.kill('SIGCONT');
  const after = await start(t, 'boot-2', before);
  appendFileSync(after.log, 'three\n');
  await waitUntilDelivered(after.mount);
  assert.equal(arrived(after), 'one\ntwo\nunfinished\nthree\n');
});
