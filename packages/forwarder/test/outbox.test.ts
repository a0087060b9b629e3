import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { waitUntil } from '@k2hft/test-harness';
import { decompressMessage, encodeMessage, isCompressed } from '@k2hft/wire';
import { Outbox } from '../src/outbox.js';
import { makeBatch } from './helpers/memory-queue.js';

function startOutbox(): { outbox: Outbox; sent: Buffer[] } {
  const sent: Buffer[] = [];
  const outbox = new Outbox(
    (message) => sent.push(message),
    (error) => assert.fail(String(error)),
  );
  return { outbox, sent };
}

const batch = (payload: Buffer) => makeBatch({ epoch: 1, sequence: 1 }, payload);
const LONG = batch(Buffer.alloc(10_000, 'a line\n'));

test('as long as nothing is agreed on, messages go as they are and at once', () => {
  const { outbox, sent } = startOutbox();
  outbox.agree(undefined);
  outbox.add(LONG);
  assert.deepEqual(sent, [LONG]);
  assert.equal(outbox.waitingBytes, 0);
});

test('batches are compressed, control messages and short ones are not, and the order stays', async () => {
  const { outbox, sent } = startOutbox();
  outbox.agree('gzip');
  const floor = encodeMessage({ type: 'floor', epoch: 1, sequence: 1 });
  const short = batch(Buffer.from('x\n'));
  const given = [LONG, floor, LONG, short];
  for (const message of given) outbox.add(message);
  assert(outbox.waitingBytes > 0);
  await waitUntil('all are sent', () => sent.length === given.length);
  assert.deepEqual(sent.map(isCompressed), [true, false, true, false]);
  const unpack = async (message: Buffer) => (isCompressed(message) ? decompressMessage(message) : message);
  const unpacked = await Promise.all(sent.map(unpack));
  assert.deepEqual(unpacked, given);
  assert.equal(outbox.waitingBytes, 0);
});

test('what does not shrink goes as it is, and is not tried each time', async () => {
  const { outbox, sent } = startOutbox();
  outbox.agree('gzip');
  const noise = batch(randomBytes(10_000));
  outbox.add(noise);
  await waitUntil('it is sent', () => sent.length === 1);
  assert.deepEqual(sent, [noise]);
  outbox.add(noise);
  assert.equal(sent.length, 2, 'the next one goes at once');
});
