import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeFate, dropReason, encodeFate, isDropping, type LineFate } from '../src/line-fate.js';

/** What rows hold must mean the same to the next version. */
const STORED: [fate: LineFate, number: number, dropping: boolean][] = [
  ['undecided', 0, false],
  ['queue_full', 1, true],
  ['filter', 2, true],
  ['quota', 3, true],
  ['long_records', 4, true],
  ['filter_failed', 5, true],
  ['passing', 6, false],
  ['replaced', 7, true],
];

void test('fates are stored as they always were', () => {
  for (const [fate, number, dropping] of STORED) {
    assert.equal(encodeFate(fate), number);
    assert.equal(decodeFate(number), fate);
    assert.equal(isDropping(fate), dropping);
  }
  assert.equal(decodeFate(99), 'undecided');
  assert.equal(dropReason('replaced'), undefined);
  assert.equal(dropReason('quota'), 'quota');
});
