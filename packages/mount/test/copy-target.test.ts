import assert from 'node:assert/strict';
import { test } from 'node:test';
import { copyChain, copyTarget, COPY_STAGES_MAX } from '../src/copy-target.js';

void test('a target is a file, a file below a directory, or a path of the mount', () => {
  const table: [copyTo: string, path: string, expected: unknown][] = [
    ['/backup/all.log', 'a/b.log', { kind: 'file', file: '/backup/all.log' }],
    ['/backup/', 'a/b.log', { kind: 'below', directory: '/backup', names: ['a', 'b.log'] }],
    ['/backup/ü/', 'a', { kind: 'below', directory: '/backup/\xc3\xbc', names: ['a'] }],
    ['/mnt/log', 'a', { kind: 'inside', path: 'a' }],
    ['/mnt/log/', 'a/b', { kind: 'inside', path: 'a/b' }],
    ['/mnt/log/stage2/', 'a/b', { kind: 'inside', path: 'stage2/a/b' }],
    ['/mnt/log/stage2.log', 'a/b', { kind: 'inside', path: 'stage2.log' }],
    ['/mnt/logs/x.log', 'a', { kind: 'file', file: '/mnt/logs/x.log' }],
    ['/mnt/logs/', 'a', { kind: 'below', directory: '/mnt/logs', names: ['a'] }],
    ['/mnt/', 'log/a', { kind: 'inside', path: 'a' }],
    ['/mnt/', 'logs/a', { kind: 'below', directory: '/mnt', names: ['logs', 'a'] }],
    ['/', 'mnt/log/a', { kind: 'inside', path: 'a' }],
    ['/', 'a', { kind: 'below', directory: '/', names: ['a'] }],
    ['/mnt/lo', 'a', { kind: 'file', file: '/mnt/lo' }],
  ];
  for (const [copyTo, path, expected] of table)
    assert.deepEqual(copyTarget(copyTo, path, '/mnt/log'), expected, copyTo);
});

void test('names below a directory may leave out the path of a directory of the mount', () => {
  const table: [copyTo: string, path: string, base: string, expected: unknown][] = [
    ['/backup/', 'log/a/b.log', 'log', { kind: 'below', directory: '/backup', names: ['a', 'b.log'] }],
    ['/backup/', 'log/b.log', 'log/', { kind: 'below', directory: '/backup', names: ['b.log'] }],
    ['/backup/', 'logs/b.log', 'log', { kind: 'below', directory: '/backup', names: ['logs', 'b.log'] }],
    ['/backup/', 'ü/b'.replace('ü', '\xc3\xbc'), 'ü', { kind: 'below', directory: '/backup', names: ['b'] }],
    ['/mnt/log/out/', 'in/b.log', 'in', { kind: 'inside', path: 'out/b.log' }],
  ];
  for (const [copyTo, path, base, expected] of table)
    assert.deepEqual(copyTarget(copyTo, path, '/mnt/log', base), expected, path);
});

function chainOf(path: string, copies: Record<string, string>) {
  return copyChain(path, (from) => (from in copies ? { copyTo: copies[from] } : undefined), '/m');
}

void test('a way through the mount that comes back is refused', () => {
  assert.deepEqual(chainOf('a', {}), { kind: 'none' });
  assert.deepEqual(chainOf('a', { a: '/m/b' }), { kind: 'target', target: { kind: 'inside', path: 'b' } });
  assert.equal(chainOf('a', { a: '/m/b', b: '/m/c', c: '/out' }).kind, 'target');
  assert.deepEqual(chainOf('a', { a: '/m/a' }), {
    kind: 'refused',
    reason: 'the way that copy_to describes comes back to a path: a → a',
  });
  assert.equal(chainOf('a', { a: '/m/b', b: '/m/c', c: '/m/b' }).kind, 'refused');
  assert.equal(chainOf('x', { x: '/m/' }).kind, 'refused');
});

void test('a way through the mount is refused when it has too many stages', () => {
  const copies: Record<string, string> = {};
  for (let stage = 0; stage < COPY_STAGES_MAX; stage++) copies[`p${stage}`] = `/m/p${stage + 1}`;
  assert.equal(chainOf('p0', copies).kind, 'target');
  copies[`p${COPY_STAGES_MAX}`] = `/m/p${COPY_STAGES_MAX + 1}`;
  assert.equal(chainOf('p0', copies).kind, 'refused');
  assert.equal(chainOf('p1', copies).kind, 'target');
});
