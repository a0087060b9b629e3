import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Complaints } from '../src/complaints.js';

test('a thing is said once, until it was well in between', () => {
  const said: string[] = [];
  const complaints = new Complaints((_level, message) => said.push(message));
  for (const message of ['refused', 'refused', 'closed', 'refused']) complaints.say('warn', message);
  assert.deepEqual(said, ['refused', 'closed']);
  complaints.forget();
  complaints.say('warn', 'refused');
  assert.deepEqual(said, ['refused', 'closed', 'refused']);
});
