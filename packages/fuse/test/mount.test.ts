import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, closeSync, cpSync, existsSync, writeFileSync } from 'node:fs';
import { stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder, waitUntil } from '@k2hft/test-harness';
import { findMount, fuseUnmount, mountFuse, MountError, negotiate } from '../src/index.js';
import { testMount, whyNoMount } from './test-mount.js';

const skip = whyNoMount();
const withCode = (code: string) => (error: unknown) => error instanceof MountError && error.code === code;

test(
  'a mount is found, also through a symbolic link, and ends its server when it is unmounted',
  { skip },
  async (t) => {
    const link = join(temporaryFolder(t), 'link');
    const { point, serve } = await testMount(t);
    const server = serve('memory', 'fresh');
    await symlink(point, link);
    await waitUntil('it answers', async () => (await findMount(link))?.state === 'answers');
    const found = await findMount(link);
    assert.equal(found?.type, 'fuse.k2hft-test');
    assert.equal(found.source, 'k2hft-test');
    await fuseUnmount(link);
    assert.equal(await findMount(point), undefined);
    await waitUntil('the server ends', () => server.exitCode !== null);
    assert.equal(server.exitCode, 0);
  },
);

test('a mount that nobody holds is dead; it can be unmounted', { skip }, async (t) => {
  const point = temporaryFolder(t);
  const { fd } = await mountFuse(point, { subtype: 'k2hft-test' });
  closeSync(fd);
  await waitUntil('it is dead', async () => (await findMount(point))?.state === 'dead');
  await fuseUnmount(point);
  assert.equal(await findMount(point), undefined);
});

test('a mount that nobody serves is silent; it can be unmounted', { skip }, async (t) => {
  const { point } = await testMount(t);
  const looking = stat(join(point, 'name')).catch((error: unknown) => error);
  assert.equal((await findMount(point))?.state, 'silent');
  await fuseUnmount(point, { force: true, lazy: true });
  assert.equal(await findMount(point), undefined);
  assert.ok((await looking) instanceof Error);
});

test('a mount in use is busy, and goes away lazily', { skip }, async (t) => {
  const { point, serve } = await testMount(t);
  serve('memory', 'fresh');
  const user = spawn('sh', ['-c', 'exec 5> "$1/file"; echo ready; exec sleep 100000', 'sh', point]);
  t.after(() => user.kill('SIGKILL'));
  await new Promise((resolve) => user.stdout.once('data', resolve));
  await assert.rejects(fuseUnmount(point), withCode('busy'));
  await fuseUnmount(point, { lazy: true });
  assert.equal(await findMount(point), undefined);
});

test('a mount is negotiated once', { skip }, async (t) => {
  const { fd } = await testMount(t);
  assert.throws(() => negotiate(fd), withCode('protocol'));
});

test('what cannot be mounted or unmounted is told', { skip }, async (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, 'file');
  writeFileSync(file, '');
  await assert.rejects(mountFuse(file, { subtype: 'k2hft-test' }), withCode('not_a_directory'));
  await assert.rejects(
    mountFuse(join(folder, 'none'), { subtype: 'k2hft-test' }),
    withCode('not_a_directory'),
  );
  const options = { subtype: 'k2hft-test', extraOptions: ['no_such_option'] };
  await assert.rejects(mountFuse(folder, options), withCode('mount_failed'));
  await assert.rejects(fuseUnmount(folder), withCode('unmount_failed'));
  assert.equal(await findMount(folder), undefined);
  assert.ok(existsSync(file));
});

test('mounting as another user is refused with the reason', (t) => {
  const folder = temporaryFolder(t);
  // The checkout may lie where another user cannot read it.
  cpSync(new URL('../src', import.meta.url), join(folder, 'src'), { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  chmodSync(folder, 0o755);
  const program = `
    import { mountFuse } from ${JSON.stringify(join(folder, 'src/index.js'))};
    await mountFuse(${JSON.stringify(folder)}, { subtype: 'k2hft-test' }).catch((error) => console.log(error.code));
  `;
  // Only root can become somebody else; anybody else is somebody else already.
  const other = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
  const done = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    ...other,
    cwd: folder,
    encoding: 'utf8',
  });
  assert.equal(done.stdout, 'needs_root\n', done.stderr);
});
