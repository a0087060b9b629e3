import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import fc from 'fast-check';
import { InOrder } from '../src/index.js';

test('whatever is ready first, the order stays', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.option(fc.nat(3)), { maxLength: 12 }), async (delays) => {
      const delivered: number[] = [];
      const order = new InOrder<number>(
        (value) => delivered.push(value),
        (error) => assert.fail(String(error)),
      );
      for (const [index, delay] of delays.entries()) {
        if (delay === null) order.add(index);
        else order.addLater(sleep(delay, index));
      }
      while (!order.isEmpty) await sleep(1);
      assert.deepEqual(delivered, [...delays.keys()]);
    }),
    { numRuns: 30 },
  );
});

test('what is ready at once is delivered at once when nothing is before it', () => {
  const delivered: string[] = [];
  const order = new InOrder<string>(
    (value) => delivered.push(value),
    () => undefined,
  );
  order.add('a');
  assert.deepEqual(delivered, ['a']);
});

test('after a failure nothing is delivered, and it is told once', async () => {
  const delivered: string[] = [];
  const failures: unknown[] = [];
  const order = new InOrder<string>(
    (value) => delivered.push(value),
    (error) => failures.push(error),
  );
  order.addLater(Promise.reject(new Error('first')));
  order.addLater(Promise.reject(new Error('second')));
  order.add('a');
  await sleep(5);
  order.add('b');
  assert.deepEqual(delivered, []);
  assert.deepEqual(failures.map(String), ['Error: first']);
});
