import assert from 'node:assert/strict';
import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
import { mountSmallDisk } from './small-disk.js';

const skip = whyNoMounts() ?? false;
const LONG_LINE = 'x'.repeat(99_999);

void test(
  "the server's disk is full, then has room again: nothing is lost, and it says so once",
  { skip },
  async (t) => {
    const folder = temporaryFolder(t);
    const disk = join(folder, 'disk');
    mountSmallDisk(t, disk, 16);
    const server = await startServer(t, {
      folder: join(folder, 'server'),
      settings: { output: { dir: join(disk, 'output') } },
    });
    const mount = await startMount(t, { folder: join(folder, 'source'), urls: [server.url] });
    writeFileSync(join(disk, 'ballast'), Buffer.alloc(10 * 1024 * 1024));
    let text = '';
    for (let part = 0; part < 120; part++) {
      const lines = Array.from(
        { length: 1000 },
        (_, index) => `${String(part * 1000 + index).padEnd(99, '.')}\n`,
      ).join('');
      appendFileSync(join(mount.point, 'app.log'), lines);
      text += lines;
    }
    await waitUntil('the server says that its disk is full', () =>
      /nothing more is taken and acknowledged/.test(server.process.output()),
    );
    await new Promise((resolve) => setTimeout(resolve, 2500));
    assert.ok(mount.status().queue.batches > 0, 'what has no room stays in the queue');
    const complaints = server.process
      .output()
      .split('\n')
      .filter((line) => /nothing more is taken and acknowledged/.test(line));
    assert.equal(complaints.length, 1, `it says so once: ${complaints.join(' | ')}`);
    rmSync(join(disk, 'ballast'));
    await waitUntilDelivered(mount);
    assert.equal(readFileSync(join(disk, 'output', 'app.log'), 'utf8'), text);
  },
);

void test(
  "the source's disk is full: a program gets ENOSPC, and goes on when there is room",
  { skip },
  async (t) => {
    const folder = temporaryFolder(t);
    const disk = join(folder, 'disk');
    mountSmallDisk(t, disk, 64);
    const server = await startServer(t, { folder: join(folder, 'server') });
    const mount = await startMount(t, {
      folder: join(folder, 'source'),
      urls: [server.url],
      queue: { dir: join(disk, 'queue'), min_free: '8MiB', max_wait: '500ms' },
    });
    const log = join(mount.point, 'app.log');
    appendFileSync(log, 'before\n');
    writeFileSync(join(disk, 'ballast'), Buffer.alloc(48 * 1024 * 1024));
    server.process.child.kill('SIGSTOP');
    await waitUntil('a write gets ENOSPC', () => {
      try {
        appendFileSync(log, `${LONG_LINE}\n`);
        return false;
      } catch (error) {
        return (error as NodeJS.ErrnoException).code === 'ENOSPC';
      }
    });
    rmSync(join(disk, 'ballast'));
    server.process.child.kill('SIGCONT');
    await waitUntil('writes go on', () => {
      try {
        appendFileSync(log, 'after\n');
        return true;
      } catch {
        return false;
      }
    });
    await waitUntilDelivered(mount);
    const arrived = readFileSync(join(folder, 'server', 'output', 'app.log'), 'utf8').split('\n');
    assert.deepEqual([arrived.at(0), arrived.at(-2), arrived.at(-1)], ['before', 'after', '']);
    assert.ok(arrived.slice(1, -2).every((line) => line === LONG_LINE));
  },
);
