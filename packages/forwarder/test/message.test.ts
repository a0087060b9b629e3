import assert from 'node:assert/strict';
import { test } from 'node:test';
import { messageOf } from '../src/message.js';

const position = { epoch: 1, sequence: 1 };
const batches = (...pieces: Buffer[]) => pieces.map((bytes) => ({ position, bytes }));

test('a message is its batches one after the other, wherever they lie', () => {
  const memory = Buffer.from('abcdefgh');
  const [ab, cd, ef] = [memory.subarray(0, 2), memory.subarray(2, 4), memory.subarray(4, 6)];
  assert.equal(messageOf([]).length, 0);
  assert.equal(messageOf(batches(cd)).toString(), 'cd');
  assert.equal(messageOf(batches(ab, cd, ef)).toString(), 'abcdef');
  assert.equal(messageOf(batches(ab, ef)).toString(), 'abef');
  assert.equal(messageOf(batches(cd, ab)).toString(), 'cdab');
  assert.equal(messageOf(batches(ab, Buffer.alloc(300, 'x'), cd)).toString(), `ab${'x'.repeat(300)}cd`);
});

test('batches that lie one behind the other are not copied', () => {
  const memory = Buffer.from('abcdef');
  const message = messageOf(batches(memory.subarray(1, 3), memory.subarray(3, 5)));
  assert.equal(message.buffer, memory.buffer);
});
