import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { waitUntilDelivered, whyNoMounts } from '@k2hft/test-harness';
import { shell, startPipeline } from './pipeline.js';

const skip = whyNoMounts() ?? false;
const MEBIBYTES = 1024;

function sha256(path: string): string {
  return shell(`sha256sum < ${path}`);
}

void test('a random file of 1 GiB arrives as it is', { skip }, async (t) => {
  const pipeline = await startPipeline(t, { rules: [{ path: '*.img', send: 'binary' }] });
  const source = join(pipeline.folder, 'random.img');
  shell(`head -c ${MEBIBYTES}M /dev/urandom > ${source}`);
  shell(`dd if=${source} of=${pipeline.inside('random.img')} bs=1M status=none`);
  const expected = sha256(source);
  await waitUntilDelivered(pipeline.mount);
  assert.equal(sha256(join(pipeline.folder, 'server/output/random.img')), expected);
});
