import { strict as assert } from 'node:assert';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { nextRotatedName, parseRotated, rotatedAmong } from '../src/rotate-name.js';

const NOW = new Date(2024, 0, 31, 23, 59, 58);

test('a name says when it was rotated, and a number tells the files of one second apart', () => {
  const rows: [segments: string[], expected: string][] = [
    [[], 'a.20240131-235958'],
    [['b.20240131-235958', 'a.20240131-235957', 'a.old'], 'a.20240131-235958'],
    [['a.20240131-235958'], 'a.20240131-235958-1'],
    [['a.20240131-235958.gz', 'a.20240131-235958-9.gz', 'a.20240131-235958-10'], 'a.20240131-235958-11'],
    [['a.20240131-235958-3.gz.partial'], 'a.20240131-235958-4'],
    // The clock was set back.
    [['a.20240201-000000'], 'a.20240201-000000-1'],
  ];
  for (const [segments, expected] of rows) assert.equal(nextRotatedName('a', segments, NOW), expected);
});

test('only names that we give are read as those of rotated files', () => {
  for (const segment of [
    'a',
    'a.1',
    'a.20240131',
    'a.20240131-2359580',
    'a.20240131-235958-0',
    'a.20240131-235958-01',
    'a.20240131-235958.bz2',
    'a.20240131-235958.gz.partial.gz',
    'ab.20240131-235958',
    'x.a.20240131-235958',
  ])
    assert.equal(parseRotated('a', segment), undefined, segment);
  assert.equal(parseRotated('a', 'a.20240131-235958-7.gz.partial')?.kind, 'partial');
});

test('their order is that of their rotation, and sort(1) finds it as well', (context) => {
  const names: string[] = [];
  for (let second = 0; second < 3; second++) {
    for (let index = 0; index < 12; index++) {
      const name = nextRotatedName('a', names, new Date(2024, 0, 1, 0, 0, second));
      names.push(index % 2 === 0 ? name : `${name}.gz`);
    }
  }
  const shuffled = [...names].reverse();
  assert.deepEqual(
    rotatedAmong('a', shuffled).map(({ segment }) => segment),
    names,
  );
  const sorted = spawnSync('sort', ['-V'], { input: `${shuffled.join('\n')}\n`, encoding: 'utf8' });
  if (sorted.status !== 0) {
    context.skip('sort(1) of this system is not that of GNU');
    return;
  }
  assert.deepEqual(sorted.stdout.trimEnd().split('\n'), names);
});
