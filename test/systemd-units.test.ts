import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { temporaryFolder, whyNoProgram } from '@k2hft/test-harness';

const CHECKOUT = fileURLToPath(new URL('../../', import.meta.url));
const UNITS = ['k2hft@.service', 'k2hft-svr.service'] as const;

const skip = whyNoProgram('systemd-analyze', 'systemd') ?? false;

function installLinks(root: string, ...flags: string[]) {
  const script = join(CHECKOUT, 'scripts/install-links.mjs');
  return spawnSync(process.execPath, [script, '--root', root, ...flags], { encoding: 'utf8' });
}

function unit(name: string): string {
  return readFileSync(join(CHECKOUT, 'configs', name), 'utf8');
}

/** What a unit sets, comments aside. */
function keysOf(name: string): string[] {
  return unit(name)
    .split('\n')
    .filter((line) => /^[A-Z]/.test(line))
    .map((line) => line.slice(0, line.indexOf('=')));
}

void test('commands are linked, again without harm, and unlinked; what others own stays', (t) => {
  const root = temporaryFolder(t);
  assert.equal(installLinks(root).status, 0);
  assert.equal(installLinks(root).status, 0);
  for (const command of ['k2hft', 'k2hft-svr']) {
    const found = spawnSync(join(root, 'usr/local/bin', command), ['--version'], { encoding: 'utf8' });
    assert.equal(found.status, 0, found.stderr);
    assert.match(found.stdout, /^\d+\.\d+\.\d+\n$/);
  }
  assert.equal(spawnSync(join(root, 'sbin/mount.k2hft')).status, 1);
  assert.equal(spawnSync(join(root, 'sbin/umount.fuse.k2hft')).status, 1);
  assert.equal(installLinks(root, '--remove').status, 0);
  for (const name of ['usr/local/bin/k2hft', 'sbin/mount.k2hft', 'sbin/umount.fuse.k2hft'])
    assert.ok(!existsSync(join(root, name)));
  symlinkSync('/bin/false', join(root, 'sbin/mount.k2hft'));
  const inTheWay = installLinks(root);
  assert.equal(inTheWay.status, 1);
  assert.match(inTheWay.stderr, /mount\.k2hft is there already \(\/bin\/false\)/);
  assert.equal(installLinks(root, '--remove').status, 0);
  assert.ok(lstatSync(join(root, 'sbin/mount.k2hft')).isSymbolicLink());
});

void test('systemd finds nothing wrong with the units', { skip }, (t) => {
  const folder = temporaryFolder(t);
  assert.equal(installLinks(folder).status, 0);
  for (const name of UNITS) {
    // An instance, and programs that are there.
    const path = join(folder, name.replace('@', '@app'));
    writeFileSync(path, unit(name).replaceAll('/usr/local/bin', join(folder, 'usr/local/bin')));
    const verified = spawnSync('systemd-analyze', ['verify', path], { encoding: 'utf8' });
    assert.equal(verified.status, 0, verified.stderr);
    assert.doesNotMatch(verified.stderr, new RegExp(name.replace('@', '@app')), name);
  }
});

void test('the exposure that systemd rates stays low', { skip }, (t) => {
  const folder = temporaryFolder(t);
  // From 0 (sealed) to 100 (open). A mount is made for everybody to see, which rules out all that would hide it.
  const limits = { 'k2hft@.service': 60, 'k2hft-svr.service': 25 };
  for (const name of UNITS) {
    const path = join(folder, name.replace('@', '@app'));
    writeFileSync(path, unit(name));
    const args = ['security', '--offline=true', `--threshold=${limits[name]}`, path];
    const rated = spawnSync('systemd-analyze', args, { encoding: 'utf8' });
    assert.equal(rated.status, 0, rated.stdout.split('\n').slice(-4).join('\n') + rated.stderr);
  }
});

void test('no option of the mount makes a namespace in which nobody else would see it', () => {
  // Those of systemd.exec(5) that imply a mount namespace.
  const hiding =
    /^(?:Protect(?:System|Home|KernelTunables|KernelModules|KernelLogs|ControlGroups|Proc|Clock|Hostname)|ProcSubset|Private.*|ReadWritePaths|ReadOnlyPaths|InaccessiblePaths|ExecPaths|NoExecPaths|TemporaryFileSystem|Bind(?:ReadOnly)?Paths|Root.*|MountAPIVFS|MountFlags|DynamicUser|(?:State|Logs|Runtime|Cache|Configuration)Directory.*)$/;
  assert.deepEqual(
    keysOf('k2hft@.service').filter((key) => hiding.test(key)),
    [],
  );
});
