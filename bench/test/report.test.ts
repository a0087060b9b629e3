import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareWithAims, isMet } from '../src/aims.js';
import type { CatRun } from '../src/cat.js';
import { formatReport } from '../src/report.js';
import type { Results } from '../src/results.js';

const NOTHING: Results = {
  machine: { cpu: 'processor', cores: 2, memoryBytes: 2 ** 33, kernel: '6.1', node: '20.19.0' },
  runs: 3,
  mode: 'virtual',
  cat: [],
  writes: [],
  latency: [],
  resting: [],
  remarks: [],
};

function catRun(subject: string, seconds: number): CatRun {
  const times = { seconds, catSeconds: seconds / 2, catCpuSeconds: 0.1, cpuSeconds: 5, cpuSecondsByRole: {} };
  return { subject, lineBytes: 10, lines: 100e6, bytes: 1e9, ...times };
}

test('the report takes medians, and compares by lines per second', () => {
  const cat = [catRun('k2hft', 2), catRun('k2hft', 100), catRun('k2hft', 1), catRun('rsyslog', 200)];
  const report = formatReport({ ...NOTHING, cat });
  assert.match(report, /^10 +k2hft +1 000 +50 000 000 +500 +5 +1 000 +0\.1 +–$/m);
  assert.match(report, /^10 +rsyslog +1 000 +500 000 +5 +5 +10 +0\.1 +100$/m);
});

test('the second driver is compared with the first', () => {
  const report = formatReport({ ...NOTHING, cat: [catRun('k2hft', 2), catRun('fuse-native', 10)] });
  assert.match(report, /^10 +fuse-native +1 000 +10 000 000 +100 +5 +200 +0\.1 +5$/m);
});

test('an aim says whether it was met, in its own direction', () => {
  const met = (seconds: number) =>
    compareWithAims({ ...NOTHING, cat: [catRun('k2hft', seconds)] }).map(isMet);
  assert.deepEqual(met(2), [true, true]);
  assert.deepEqual(met(20), [false, true]);
});

test('what was not measured has no aim and no section', () => {
  assert.deepEqual(compareWithAims(NOTHING), []);
  assert.equal(formatReport(NOTHING).split('\n').length, 1);
});

test('the process with the most memory decides, and idle time counts together', () => {
  const memory = (resident: number) => ({ resident, anonymous: resident, peak: resident });
  const outcomes = compareWithAims({
    ...NOTHING,
    resting: [
      {
        subject: 'k2hft',
        memory: { worker: memory(100e6), server: memory(130e6) },
        idleCpuPercent: { worker: 0.2, server: 0.4 },
      },
    ],
  });
  assert.deepEqual(
    outcomes.map(({ reached }) => Math.round(reached * 10) / 10),
    [130, 0.6],
  );
  assert.deepEqual(outcomes.map(isMet), [false, false]);
});
