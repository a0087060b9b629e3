import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mountConfigurationGives } from '../src/index.js';

const KEYS = ['mount', 'allow_other'];

function gives(content: unknown, keys = KEYS): boolean {
  return mountConfigurationGives({ json: JSON.stringify(content), env: {} }, keys);
}

void test('a key that stands in the configuration is given, whatever its value', () => {
  assert.equal(gives({ mount: { allow_other: 'yes' } }), true);
  assert.equal(gives({ mount: { allow_other: 'no' } }), true);
  assert.equal(gives({ mount: { mode: 'virtual' } }), false);
  assert.equal(gives({}), false);
  assert.equal(gives({ mount: 'text' }), false);
});
