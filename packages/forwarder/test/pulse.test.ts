import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pulse } from '../src/pulse.js';

const beats = (pulse: Pulse, from: number, to: number, takenBytes = () => 0) => {
  const results: string[] = [];
  for (let now = from; now <= to; now += 5) results.push(pulse.beat(now, takenBytes()));
  return results;
};

test('a server that nothing is heard from is silent after the time that is allowed', () => {
  const pulse = new Pulse(5, 15, 0);
  assert.deepEqual(beats(pulse, 5, 20), ['alive', 'alive', 'alive', 'silent']);
});

test('what is received, and what is taken, are signs of life', () => {
  const pulse = new Pulse(5, 15, 0);
  beats(pulse, 5, 10);
  pulse.heard(12);
  assert.deepEqual(beats(pulse, 15, 30), ['alive', 'alive', 'alive', 'silent']);
  let taken = 0;
  const slow = new Pulse(5, 15, 0);
  assert.ok(beats(slow, 5, 200, () => (taken += 10)).every((beat) => beat === 'alive'));
});

test('when we stood still ourselves, the server gets its time anew', () => {
  const pulse = new Pulse(5, 15, 0);
  assert.equal(pulse.beat(5, 0), 'alive');
  assert.equal(pulse.beat(1000, 0), 'paused');
  assert.deepEqual(beats(pulse, 1005, 1020), ['alive', 'alive', 'alive', 'silent']);
});
