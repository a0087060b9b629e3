import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  startMount,
  startServer,
  temporaryFolder,
  waitUntilDelivered,
  whyNoMounts,
} from '@k2hft/test-harness';

const LINES = 200_000;

test('compressed, lines and random bytes arrive as they are', { skip: whyNoMounts() ?? false }, async (t) => {
  const folder = temporaryFolder(t);
  const server = await startServer(t, { folder: join(folder, 'server') });
  const mount = await startMount(t, {
    folder: join(folder, 'source'),
    urls: [server.url],
    servers: { compression: 'auto' },
  });
  const lines = Array.from({ length: LINES }, (_, index) => `line ${index} of a log\n`).join('');
  const random = randomBytes(3_000_000);
  for (const [name, bytes] of [
    ['text', Buffer.from(lines)],
    ['random', random],
  ] as const) {
    writeFileSync(join(folder, name), bytes);
    const copied = spawnSync('cp', [join(folder, name), join(mount.point, name)]);
    assert.equal(copied.status, 0);
  }
  await waitUntilDelivered(mount);
  await mount.process.printed(/batches are compressed with (gzip|zstd)/);
  await mount.stop();
  assert.equal(readFileSync(join(folder, 'server/output/text'), 'utf8'), lines);
  const arrived = readFileSync(join(folder, 'server/output/random'));
  // Lines were asked for: the last one may have got its newline.
  assert.deepEqual(arrived.subarray(0, random.length), random);
});
