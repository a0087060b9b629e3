import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shownUrl, withShownUrls } from '../src/index.js';

test('what follows the path of a URL is not shown', () => {
  assert.equal(shownUrl('wss://host:8020/in?key=secret#x'), 'wss://host:8020/in');
  assert.equal(shownUrl('ws://host'), 'ws://host');
});

test('in a text every URL of a server is cut, and nothing else', () => {
  const text = JSON.stringify({ cursor: 'to ws://a/?k=1', why: 'wss://b/x#y is away? Yes', c: 'http?' });
  assert.deepEqual(JSON.parse(withShownUrls(text)), {
    cursor: 'to ws://a/',
    why: 'wss://b/x is away? Yes',
    c: 'http?',
  });
});
