import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { ServerError } from '../src/errors.js';
import { compilePathTemplate } from '../src/path-template.js';

process.env['TZ'] = 'UTC';

function render(template: string, path: string, host = 'h1'): string {
  return compilePathTemplate(template).render({
    path: Buffer.from(path, 'latin1'),
    host,
    timeSeconds: 1_000_000_000,
    timeNanos: 0,
  });
}

test('every placeholder', () => {
  const rows: [template: string, path: string, expected: string][] = [
    ['{path}', 'a/b.log', 'a/b.log'],
    ['log/unify.log', 'a/b.log', 'log/unify.log'],
    ['{host}/{path}', 'a/b.log', 'h1/a/b.log'],
    ['{dir}/{host}-{file}', 'a/b/c.log', 'a/b/h1-c.log'],
    ['{dir}/{host}-{file}', 'c.log', 'h1-c.log'],
    ['x/{dir}/y', 'c.log', 'x/y'],
    ['{date:%Y/%m}/{file}', 'a/b.log', '2001/09/b.log'],
    ['{path}.{date:%Y-%m-%d}', 'b\xff.log', 'b\xff.log.2001-09-09'],
    ['ü', 'a', Buffer.from('ü').toString('latin1')],
  ];
  for (const [template, path, expected] of rows) assert.equal(render(template, path), expected, template);
});

test('names that follow the time are told from those that do not', () => {
  assert.equal(compilePathTemplate('{host}/{path}').timed, false);
  assert.equal(compilePathTemplate('{path}.{date:%H}').timed, true);
});

test('a host with a slash makes a name that is refused', () => {
  assert.ok(render('{host}/{path}', 'a', '../b').includes('\0'));
});

test('templates that lead nowhere, or out of the directory, are refused', () => {
  const refused = [
    '',
    '/abs',
    'a//b',
    'a/../b',
    './a',
    'a/',
    '{nothing}',
    '{path',
    'path}',
    'a{}',
    'a\0b',
    '{constructor}',
  ];
  for (const template of refused) {
    assert.throws(
      () => compilePathTemplate(template),
      (error) => error instanceof ServerError && error.code === 'path_template',
      template,
    );
  }
});
