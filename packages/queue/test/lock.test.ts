import assert from 'node:assert/strict';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startProcess, temporaryFolder } from '@k2hft/test-harness';
import { lockQueue, QueueError, queueOwner } from '../src/index.js';

const INDEX = new URL('../src/index.js', import.meta.url).href;

test('a queue has one owner, and the second is told who it is', async (t) => {
  const dir = join(temporaryFolder(t), 'queue');
  const lock = await lockQueue(dir, 'k2hft mount /var/log/app');
  const other = join(temporaryFolder(t), 'other-name');
  symlinkSync(dir, other);
  await assert.rejects(lockQueue(other, 'k2hft queue drop'), (error) => {
    assert.ok(error instanceof QueueError);
    assert.equal(error.code, 'locked');
    assert.match(error.message, new RegExp(`process ${process.pid} \\(k2hft mount /var/log/app\\)`));
    return true;
  });
  assert.equal(queueOwner(dir)?.pid, process.pid);
  await lock.release();
  assert.equal(queueOwner(dir), undefined);
  await (await lockQueue(dir, 'again')).release();
});

test('a lock goes with its process, however it ends', async (t) => {
  const dir = temporaryFolder(t);
  const script = `const { lockQueue } = await import(${JSON.stringify(INDEX)});
    await lockQueue(${JSON.stringify(dir)}, 'holder'); console.log('locked'); setInterval(() => {}, 1000);`;
  const holder = startProcess(t, process.execPath, ['--input-type=module', '-e', script]);
  await holder.printed('locked');
  await assert.rejects(lockQueue(dir, 'second'), new RegExp(`process ${holder.pid} \\(holder\\)`));
  holder.child.kill('SIGKILL');
  await holder.ended;
  await (await lockQueue(dir, 'second')).release();
});
