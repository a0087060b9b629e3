import { strict as assert } from 'node:assert';
import { openSync } from 'node:fs';
import { test } from 'node:test';
import { messageOf } from '../src/errors.js';

test('a name from the network cannot forge a line of the log through an error of the system', () => {
  try {
    openSync('/nowhere/a\nk2hft-svr: all is well', 'r');
    assert.fail('it was opened');
  } catch (error) {
    assert.match(messageOf(error), /^ENOENT: .*a\\x0ak2hft-svr/);
  }
  assert.equal(messageOf(new Error('one\ntwo')), 'one\ntwo');
});
