import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  startMount,
  startServer,
  temporaryFolder,
  waitUntil,
  waitUntilDelivered,
  whyNoMounts,
} from '@k2hft/test-harness';
import { childOf } from './killing.js';
import { shell } from './pipeline.js';
import { mountSmallDisk } from './small-disk.js';

const skip = whyNoMounts() ?? false;

void test(
  'a worker that finds no room to open its queue serves the mount, and queues again when there is',
  { skip },
  async (t) => {
    const folder = temporaryFolder(t);
    const disk = join(folder, 'disk');
    mountSmallDisk(t, disk, 64);
    const server = await startServer(t, { folder: join(folder, 'server') });
    const mount = await startMount(t, {
      folder: join(folder, 'source'),
      urls: [server.url],
      mode: 'overlay',
      queue: { dir: join(disk, 'queue'), min_free: '1MiB', max_wait: '300ms' },
    });
    const log = join(mount.point, 'app.log');
    shell(`echo before > ${log}`);
    await waitUntilDelivered(mount);
    spawnSync('dd', ['if=/dev/zero', `of=${join(disk, 'ballast')}`, 'bs=64k', 'status=none']);
    process.kill(childOf(mount.process.pid, 'worker'), 'SIGKILL');
    await waitUntil('another worker serves', () => /the queue cannot be opened/.test(mount.process.output()));
    assert.equal(shell(`cat ${log}`), 'before\n');
    assert.match(shell(`echo lost | tee -a ${log} 2>&1 || true`), /No space left/);
    rmSync(join(disk, 'ballast'));
    await waitUntil('the queue is open again', () => /can be opened again/.test(mount.process.output()));
    await waitUntil('a write is taken', () => spawnSync('sh', ['-c', `echo after >> ${log}`]).status === 0);
    await waitUntilDelivered(mount);
    assert.match(readFileSync(join(folder, 'server', 'output', 'app.log'), 'utf8'), /^before\nafter\n$/);
    assert.match(readFileSync(log, 'utf8'), /^before\nafter\n$/);
  },
);
