/** A mounted file system, used by this process through asynchronous calls, as any program would. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import * as fs from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { drivers, type FileSystemKind, servedMount } from './test-mount.js';

const run = promisify(execFile);
const KINDS: FileSystemKind[] = ['memory', 'memory-direct'];
const MIB = 1024 * 1024;

for (const { driver, skip } of drivers()) {
  // fuse-native has no way to say that a file bypasses the page cache.
  for (const kind of driver === 'kernel' ? KINDS : (['memory'] as const)) {
    test(
      `${driver}, ${kind}: what is written is read back, in one piece and in many`,
      { skip },
      async (t) => {
        const { point } = await servedMount(t, driver, kind);
        const file = join(point, 'file');
        const bytes = randomBytes(MIB);
        await fs.writeFile(file, bytes);
        assert.deepEqual(await fs.readFile(file), bytes);
        assert.equal((await fs.stat(file)).size, MIB);
        for (const line of ['one\n', 'two\n', 'three\n']) await fs.appendFile(file, line);
        assert.equal((await fs.readFile(file)).toString('latin1', MIB), 'one\ntwo\nthree\n');
      },
    );

    test(`${driver}, ${kind}: offsets, truncation, and the end of a file`, { skip }, async (t) => {
      const { point } = await servedMount(t, driver, kind);
      const file = await fs.open(join(point, 'file'), 'w+');
      await file.write(Buffer.from('middle'), 0, 6, 10);
      await file.write(Buffer.from('start'), 0, 5, 0);
      assert.deepEqual(await fs.readFile(join(point, 'file')), Buffer.from('start\0\0\0\0\0middle'));
      await file.truncate(12);
      assert.equal((await file.read(Buffer.alloc(100), 0, 100, 0)).bytesRead, 12);
      assert.equal((await file.read(Buffer.alloc(100), 0, 100, 12)).bytesRead, 0);
      await file.truncate(20);
      assert.deepEqual(
        await fs.readFile(join(point, 'file')),
        Buffer.from('start\0\0\0\0\0mi\0\0\0\0\0\0\0\0'),
      );
      await file.datasync();
      await file.sync();
      await file.close();
      await fs.truncate(join(point, 'file'));
      assert.equal((await fs.stat(join(point, 'file'))).size, 0);
    });
  }

  test(
    `${driver}: a directory of 2000 entries is listed whole, plain and with attributes`,
    { skip },
    async (t) => {
      const { point } = await servedMount(t, driver, 'memory');
      const names = Array.from({ length: 2000 }, (_, index) => `entry-${index}-${'x'.repeat(index % 50)}`);
      for (const name of names) await fs.writeFile(join(point, name), '');
      assert.deepEqual((await fs.readdir(point)).sort(), names.toSorted());
      const types = await fs.readdir(point, { withFileTypes: true });
      assert.ok(types.length === names.length && types.every((entry) => entry.isFile()));
    },
  );

  test(`${driver}: rename, link, symbolic link, removal`, { skip }, async (t) => {
    const { point } = await servedMount(t, driver, 'memory');
    const at = (name: string) => join(point, name);
    await fs.writeFile(at('a'), 'content');
    await fs.mkdir(at('dir'));
    await fs.rename(at('a'), at('dir/b'));
    await assert.rejects(fs.stat(at('a')), { code: 'ENOENT' });
    await fs.link(at('dir/b'), at('c'));
    assert.equal((await fs.stat(at('c'))).nlink, 2);
    await fs.symlink('dir/b', at('link'));
    assert.equal(await fs.readlink(at('link')), 'dir/b');
    assert.equal(await fs.readFile(at('link'), 'utf8'), 'content');
    await assert.rejects(fs.rmdir(at('dir')), { code: 'ENOTEMPTY' });
    await fs.rm(at('dir/b'));
    await fs.rmdir(at('dir'));
    assert.equal(await fs.readFile(at('c'), 'utf8'), 'content');
    assert.deepEqual((await fs.readdir(point)).sort(), ['c', 'link']);
    await assert.rejects(fs.writeFile(at('n'.repeat(256)), ''), { code: 'ENAMETOOLONG' });
  });

  test(`${driver}: a name may hold any ${driver === 'kernel' ? 'bytes' : 'text'}`, { skip }, async (t) => {
    const { point } = await servedMount(t, driver, 'memory');
    // fuse-native knows names as texts only.
    const name = driver === 'kernel' ? Buffer.from([0xff, 0xfe, 0x0a, 0x20, 0xc3]) : Buffer.from('日 \n é');
    await fs.writeFile(Buffer.concat([Buffer.from(`${point}/`), name]), 'x');
    assert.deepEqual(await fs.readdir(point, { encoding: 'buffer' }), [name]);
  });

  test(`${driver}: attributes: mode and umask, owner, times, statistics`, { skip }, async (t) => {
    const { point } = await servedMount(t, driver, 'memory');
    const file = join(point, 'file');
    await run('sh', ['-c', 'umask 027; : > "$1"', 'sh', file]);
    assert.equal((await fs.stat(file)).mode, constants.S_IFREG | 0o640);
    await fs.chmod(file, 0o4711);
    await fs.chown(file, 1234, 5678);
    // fuse-native takes no time before 1970, and gives both times the first.
    const [atime, mtime] = driver === 'kernel' ? [-86_400_500, 2_000_000_000_250] : [86_400_500, 86_400_500];
    await fs.utimes(file, new Date(atime), new Date(mtime));
    const { mode, uid, gid, atimeMs, mtimeMs } = await fs.stat(file);
    assert.deepEqual([mode & 0o7777, uid, gid], [0o711, 1234, 5678]);
    assert.deepEqual([atimeMs, mtimeMs], [atime, mtime]);
    const { blocks, bfree, bavail, files, ffree, bsize } = await fs.statfs(point);
    assert.deepEqual([blocks, bfree, bavail, files, ffree, bsize], [1000, 600, 500, 100, 90, 4096]);
  });
}
