import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeError } from '../src/errors.js';

test('every error becomes a line', () => {
  assert.equal(describeError(new Error('a')), 'a');
  assert.equal(describeError(new AggregateError([new Error('a'), new Error('b')])), 'a, b');
  assert.equal(describeError('text'), 'text');
});
