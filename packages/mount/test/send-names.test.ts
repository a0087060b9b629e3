import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '@k2hft/test-harness';
import { findFiles } from '../src/send-names.js';

test('files below the mount point are found, links are not followed, names are bytes', (t) => {
  const folder = temporaryFolder(t);
  const mountPoint = join(folder, 'point');
  mkdirSync(join(mountPoint, 'd', 'e'), { recursive: true });
  writeFileSync(join(mountPoint, 'd', 'b.log'), '');
  writeFileSync(Buffer.concat([Buffer.from(join(mountPoint, 'd', 'e', 'x')), Buffer.from([0xff])]), '');
  writeFileSync(join(folder, 'outside'), '');
  symlinkSync(join(folder, 'outside'), join(mountPoint, 'd', 'link'));
  symlinkSync(mountPoint, join(folder, 'alias'));
  const find = (...names: string[]) => findFiles({ names, mountPoint, as: undefined });

  const whole = find(mountPoint);
  assert.deepEqual(
    whole.files.map(({ path, isNamed }) => [path, isNamed]),
    [
      ['d/b.log', false],
      ['d/e/x\xff', false],
    ],
  );
  assert.deepEqual(whole.refused, []);
  const named = find(join(folder, 'alias', 'd', 'b.log'));
  assert.deepEqual(
    named.files.map(({ path, isNamed }) => [path, isNamed]),
    [['d/b.log', true]],
    'a folder on the way may be a link',
  );
  assert.match(find(join(mountPoint, 'd', 'link')).refused.join(), /symbolic link/);
  assert.match(find(join(mountPoint, 'none')).refused.join(), /no such file/);
  assert.match(find(join(folder, 'outside')).refused.join(), /does not lie below .*--as/);
  assert.match(find(`${mountPoint}x`).refused.join(), /does not lie below/);
});

test('one file may get a path of its own', (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'outside'), '');
  const options = { mountPoint: join(folder, 'not there'), as: 'd/x.log' };
  const { files } = findFiles({ names: [join(folder, 'outside')], ...options });
  assert.deepEqual(
    files.map(({ path }) => path),
    ['d/x.log'],
  );
  assert.match(findFiles({ names: [folder], ...options }).refused.join(), /no ordinary file/);
});
