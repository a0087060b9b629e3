import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RestartPolicy } from '../src/restart-policy.js';

void test('a served child that is killed from outside is restarted at once, however often', () => {
  const policy = new RestartPolicy(true);
  for (let kill = 0; kill < 100; kill++) {
    const decision = policy.decide({ atMs: kill * 100, served: true, killedFromOutside: true });
    assert.deepEqual(decision, { restart: true, afterMs: 0 });
  }
});

void test('the tenth end within half a minute is the last', () => {
  const policy = new RestartPolicy(true);
  const decisions = Array.from({ length: 10 }, (_, index) =>
    policy.decide({ atMs: index * 1000, served: false, killedFromOutside: false }),
  );
  assert.deepEqual(decisions.at(0), { restart: true, afterMs: 0 });
  assert.deepEqual(decisions.at(1), { restart: true, afterMs: 100 });
  assert.equal(decisions.at(8)?.restart, true);
  assert.deepEqual(decisions.at(9), { restart: false });
});

void test('ends that are further apart are forgiven', () => {
  const policy = new RestartPolicy(true);
  for (let end = 0; end < 50; end++) {
    assert.equal(policy.decide({ atMs: end * 4000, served: true, killedFromOutside: false }).restart, true);
  }
});

void test('what is not indispensable is started again for ever, with pauses', () => {
  const policy = new RestartPolicy(false);
  const ends = Array.from({ length: 100 }, (_, index) => index * 10);
  const decisions = ends.map((atMs) => policy.decide({ atMs, served: false, killedFromOutside: false }));
  assert.ok(decisions.every(({ restart }) => restart));
  assert.deepEqual(decisions.at(-1), { restart: true, afterMs: 2000 });
});
