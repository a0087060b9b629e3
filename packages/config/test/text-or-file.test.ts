import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { textOrFile } from '../src/index.js';

test('a value is a text or a path by its first character', () => {
  for (const json of ['{"a": 1}', '  {', '\n[1]', '"K2HFTFUSE": {}', "'a'", '\\"x', ']', ':'])
    assert.deepEqual(textOrFile(json), { json });
  for (const file of ['/etc/k2hft.ini', 'k2hft.yaml', '', ' ', './a{b}'])
    assert.deepEqual(textOrFile(file), { file });
});
