import assert from 'node:assert/strict';
import { test } from 'node:test';
import { selfTimes, type CpuProfile } from '../src/profile.js';

test('self time sums the samples of a function wherever it was called from, the most first', () => {
  const busy = {
    functionName: 'busy',
    url: 'file:///somewhere/packages/wire/dist/src/batch.js',
    lineNumber: 9,
  };
  const profile: CpuProfile = {
    nodes: [
      { id: 1, callFrame: { functionName: '(idle)', url: '', lineNumber: -1 } },
      { id: 2, callFrame: busy },
      { id: 3, callFrame: busy },
      { id: 4, callFrame: { functionName: '', url: 'node:fs', lineNumber: 0 } },
    ],
    samples: [1, 2, 3, 4, 3],
    timeDeltas: [1_000_000, 1_000_000, 1_000_000, 500_000, 1_000_000],
  };
  assert.deepEqual(selfTimes(profile), [
    { where: 'busy dist/src/batch.js:10', seconds: 3 },
    { where: '(idle)', seconds: 1 },
    { where: '(anonymous) node:fs:1', seconds: 0.5 },
  ]);
});
