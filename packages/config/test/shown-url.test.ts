import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shownUrl, withShownUrls } from '../src/index.js';

test('what follows the path of a URL is not shown', () => {
  assert.equal(shownUrl('wss://host:8020/in?key=secret#x'), 'wss://host:8020/in');
  assert.equal(shownUrl('ws://host'), 'ws://host');
  assert.equal(shownUrl('ws://me:secret@host/@'), 'ws://host/@');
});

test('in a text every URL of a server is cut, and nothing else', () => {
  const text = JSON.stringify({ cursor: 'to ws://a/?k=1', why: 'wss://b/x#y is away? Yes', c: 'http?' });
  assert.deepEqual(JSON.parse(withShownUrls(text)), {
    cursor: 'to ws://a/',
    why: 'wss://b/x is away? Yes',
    c: 'http?',
  });
});

test('a text in JSON stays JSON, whatever stands around a URL', () => {
  for (const url of ['ws://a/?k=1', 'ws://a/#k', 'ws://me:secret@a/', 'ws://a/', 'ws://me@a/?x\\y']) {
    for (const [before, after] of [
      ['found "', '": no'],
      ['to ', ': gone'],
      ['', ''],
      ['(', ', then'],
      ['\\ ', ' \\'],
      ['\n', '\n'],
    ] as const) {
      const shown = JSON.parse(withShownUrls(JSON.stringify({ text: before + url + after }))) as object;
      assert.deepEqual(shown, { text: `${before}ws://a/${after}` });
    }
  }
});
