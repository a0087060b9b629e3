import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseOptions, UsageError } from '../src/options.js';

test('without options everything is measured three times', () => {
  const options = parseOptions([]);
  assert.equal(options.runs, 3);
  assert.deepEqual(options.sizes, [10, 200, 1024, 4096]);
  assert.deepEqual(options.parts, ['cat', 'rss', 'writes', 'latency']);
  assert.equal(options.mode, 'virtual');
  assert.deepEqual(options.drivers, ['kernel']);
  assert.equal(options.peers, 'yes');
  assert.equal(options.amounts.catBytes, 512e6);
});

test('quick is one run with less data, unless the runs are given', () => {
  assert.equal(parseOptions(['--quick']).runs, 1);
  assert.equal(parseOptions(['--quick', '--runs', '2']).runs, 2);
  assert.equal(parseOptions(['--quick']).amounts.catBytes, 256e6);
});

test('two dashes as handed on by pnpm are skipped', () => {
  assert.deepEqual(parseOptions(['--', '--sizes', '10,200', '--only', 'cat,rss', '--peers', 'no']), {
    ...parseOptions([]),
    sizes: [10, 200],
    parts: ['cat', 'rss'],
    peers: 'no',
  });
});

test('both drivers are measured side by side when both are asked for', () => {
  assert.deepEqual(parseOptions(['--driver', 'both']).drivers, ['kernel', 'fuse-native']);
  assert.deepEqual(parseOptions(['--driver', 'fuse-native']).drivers, ['fuse-native']);
});

test('what is not understood is refused with what was expected', () => {
  for (const args of [
    ['--unknown'],
    ['--runs', '0'],
    ['--runs', ''],
    ['--sizes', '9'],
    ['--sizes', '10,'],
    ['--only', 'everything'],
    ['--mode', 'fast'],
    ['--driver', 'fuse'],
    ['--peers', 'maybe'],
    ['stray'],
  ]) {
    assert.throws(() => parseOptions(args), UsageError, args.join(' '));
  }
});
