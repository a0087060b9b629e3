import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { ServerError } from '../src/errors.js';
import { TokenTable } from '../src/tokens.js';

test('lines give names, tokens and rights', () => {
  const table = TokenTable.parse(
    '# who may send\n\n web1  first-token-0123456789\nweb1 second-token-012345678\r\nrelay1 third-token-0123456789 relay\n',
  );
  assert.equal(table.size, 3);
  assert.equal(table.find('first-token-0123456789')?.name, 'web1');
  assert.equal(table.find('second-token-012345678')?.name, 'web1');
  assert.equal(table.find('second-token-012345678')?.isRelay, false);
  assert.equal(table.find('third-token-0123456789')?.isRelay, true);
  for (const none of ['', 'first', 'first-token-0123456789 ', 'web1', '# who'])
    assert.equal(table.find(none), undefined);
  assert.deepEqual(table.shortLines, []);
});

test('a line that makes no sense is named without what is in it', () => {
  for (const [text, expected] of [
    ['web1\n', /line 1: expected "name token"/],
    ['\nweb1 secret-0123456789 rely\n', /line 2: the third word can only be "relay"/],
    ['web1 secret-0123456789 relay # comment\n', /line 1: expected/],
    ['web1 secret-0123456789\nweb2 secret-0123456789\n', /line 2: this token is in another line/],
    [`web1 ${'secret'.repeat(500)}\n`, /line 1: a token has at most 2048/],
  ] as const) {
    assert.throws(
      () => TokenTable.parse(text),
      (error) =>
        error instanceof ServerError && expected.test(error.message) && !error.message.includes('secret'),
    );
  }
  assert.deepEqual(TokenTable.parse('a short\nb 0123456789abcdef\n').shortLines, [1]);
});

test('a token holds as long as it is there with the same name and rights', () => {
  const holder = TokenTable.parse('a token-0123456789abc\n').find('token-0123456789abc');
  assert.ok(holder !== undefined);
  assert.equal(TokenTable.parse('b other\na token-0123456789abc\n').holds(holder), true);
  for (const text of ['', 'b token-0123456789abc\n', 'a token-0123456789abc relay\n', 'a other\n'])
    assert.equal(TokenTable.parse(text).holds(holder), false);
});
