import { strict as assert } from 'node:assert';
import { test, type TestContext } from 'node:test';
import { Intake, STRANGER_BYTES_MAX } from '../src/intake.js';

interface Counted {
  intake: Intake;
  partialBytes: () => number;
  events: string[];
}

function countedAt(bytesPerSecond: number): Counted {
  let sum = 0;
  const events: string[] = [];
  const limits = { bytesPerSecond, streams: 1, handshakeTimeoutMs: 1, idleTimeoutMs: 1 };
  const partial = (bytes: number): void => {
    sum += bytes;
  };
  const intake = new Intake(
    { limits, partial },
    { tooMuch: () => events.push('too much'), changed: () => events.push('changed') },
  );
  return { intake, partialBytes: () => sum, events };
}

test('who has not said who it is may bring so much, and whoever has, more', () => {
  const { intake, events } = countedAt(0);
  intake.count(STRANGER_BYTES_MAX);
  assert.deepEqual(events, []);
  intake.count(1);
  assert.deepEqual(events, ['too much']);
  const known = countedAt(0);
  known.intake.admit();
  known.intake.count(STRANGER_BYTES_MAX + 1);
  assert.deepEqual(known.events, []);
});

test('bytes count as partial until their message is whole, or the connection has ended', () => {
  const { intake, partialBytes } = countedAt(0);
  intake.admit();
  intake.count(10);
  intake.count(20);
  assert.equal(intake.partialBytes, 30);
  intake.whole();
  intake.count(5);
  assert.equal(partialBytes(), 0);
  intake.count(7);
  assert.equal(partialBytes(), 7);
  intake.end();
  intake.count(7);
  assert.equal(partialBytes(), 0);
});

test('beyond the rate it is held until the rate allows more', (context: TestContext) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const { intake, events } = countedAt(1000);
  intake.admit();
  intake.count(5000);
  assert.equal(intake.isHeld, true);
  intake.count(1);
  assert.deepEqual(events, ['changed']);
  context.mock.timers.tick(5000);
  assert.equal(intake.isHeld, false);
  assert.deepEqual(events, ['changed', 'changed']);
});
