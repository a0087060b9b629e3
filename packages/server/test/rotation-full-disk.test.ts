import { strict as assert } from 'node:assert';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { sleep, temporaryFolder, waitUntil } from '@k2hft/test-harness';
import { fill, smallDisk } from './small-disk.js';
import { startServer } from './server-process.js';
import { SourceClient, type BatchToSend } from './source-client.js';

test('what cannot be compressed because the disk is full is told once, and compressed when there is room', async (context) => {
  const disk = smallDisk(context, 8);
  if (disk === undefined) return;
  const output = join(disk, 'output');
  const settings = { dir: output, rotate: { size: '1MB' } };
  const server = await startServer(context, { folder: temporaryFolder(context), output: settings });
  const client = await SourceClient.connect(server.url);
  const filler = fill(disk, 1_500_000);
  // Text that is hardly smaller when it is compressed.
  const batches: BatchToSend[] = [700_000, 75_000].map((bytes) => ({
    payload: `${randomBytes(bytes).toString('base64')}\n`,
  }));
  await client.deliver(1, ...batches);
  await server.printed(/rotated files of a.log stay as they are: only \d+ bytes are free/);
  assert.deepEqual(
    readdirSync(output).filter((name) => /gz|partial/.test(name)),
    [],
  );
  await client.deliver(3, { payload: 'more\n' });
  await sleep(100);
  rmSync(filler);
  await waitUntil('the compression', () => readdirSync(output).every((name) => /gz$|log$/.test(name)));
  const [rotated = ''] = readdirSync(output).filter((name) => name.endsWith('.gz'));
  const text =
    gunzipSync(readFileSync(join(output, rotated))).toString() + readFileSync(join(output, 'a.log'), 'utf8');
  assert.equal(text, `${batches.map(({ payload }) => String(payload)).join('')}more\n`);
  assert.equal(server.output().match(/stay as they are/g)?.length, 1);
});
