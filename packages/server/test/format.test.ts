import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { BatchFlag } from '@k2hft/wire';
import fc from 'fast-check';
import { ServerError } from '../src/errors.js';
import { compileFormat, endsMidRecord, type FormatFields } from '../src/format.js';

process.env['TZ'] = 'UTC';

function fields(payload: string | Buffer, flags = 0): FormatFields {
  return {
    payload: Buffer.from(payload),
    flags,
    host: 'hôst',
    path: Buffer.from('dir/\xffa.log', 'latin1'),
    pid: 12,
    uid: 34,
    gid: 56,
    timeSeconds: 1_000_000_000,
    timeNanos: 7,
  };
}

function render(format: string, payload: string, flags = 0, continues = false): string {
  return compileFormat(format, '%F %T').render(fields(payload, flags), continues).toString('latin1');
}

const latin1 = (text: string): string => Buffer.from(text).toString('latin1');

test('every escape', () => {
  const rows: [format: string, expected: string][] = [
    ['%L', 'one\ntwo\n'],
    ['%l', 'onetwo'],
    ['%l\\n', 'one\ntwo\n'],
    ['%H %L', `${latin1('hôst')} one\n${latin1('hôst')} two\n`],
    ['%P %U %G|%L', '12 34 56|one\n12 34 56|two\n'],
    ['%F:%f\\t%L', 'dir/\xffa.log:\xffa.log\tone\ndir/\xffa.log:\xffa.log\ttwo\n'],
    ['[%T] %L', '[2001-09-09 01:46:40] one\n[2001-09-09 01:46:40] two\n'],
    ['%%\\\\ü %l;', `%\\${latin1('ü')} one;%\\${latin1('ü')} two;`],
    ['%l+%L', 'one+one\ntwo+two\n'],
    ['line\\n', 'line\nline\n'],
  ];
  for (const [format, expected] of rows) assert.equal(render(format, 'one\ntwo\n'), expected, format);
});

test('empty lines, and bytes of every kind, stay what they are', () => {
  assert.equal(render('<%l>', '\n\na\n'), '<><><a>');
  const bytes = Buffer.from([0, 255, 13, 10, 0x80, 10]);
  const rendered = compileFormat('-%L', '').render({ ...fields(bytes) }, false);
  assert.deepEqual([...rendered], [45, 0, 255, 13, 10, 45, 0x80, 10]);
});

test('"%L" alone is raw: the payload itself, not a copy', () => {
  const format = compileFormat('%L', '%F');
  const batch = fields('one\ntwo');
  assert.equal(format.raw, true);
  assert.equal(format.render(batch, false), batch.payload);
  assert.equal(compileFormat('%L ', '%F').raw, false);
});

test('a binary chunk is written as it is, whatever the format', () => {
  assert.equal(render('%H %L', 'one\ntwo', BatchFlag.BINARY | BatchFlag.ENDS_OPEN), 'one\ntwo');
});

test('a record in pieces gets the text around it once', () => {
  const { ENDS_OPEN, STREAM_END } = BatchFlag;
  assert.equal(render('<%l>\\n', 'a\nbeg', ENDS_OPEN), '<a>\n<beg');
  assert.equal(render('<%l>\\n', 'in', ENDS_OPEN, true), 'in');
  assert.equal(render('<%l>\\n', 'ning\nc\n', 0, true), 'ning>\n<c>\n');
  assert.equal(render('<%l>\\n', '\nc\n', 0, true), '>\n<c>\n');
  assert.equal(render('<%l>\\n', 'last', ENDS_OPEN | STREAM_END), '<last>\n');
  assert.equal(render('<%l>\\n', '', STREAM_END, true), '>\n');
  assert.equal(render('<%l>\\n', '', STREAM_END, false), '');
  assert.equal(endsMidRecord({ flags: ENDS_OPEN }), true);
  assert.equal(endsMidRecord({ flags: ENDS_OPEN | STREAM_END }), false);
  assert.equal(endsMidRecord({ flags: 0 }), false);
});

test('however lines are cut into batches, the same text comes out', () => {
  const line = fc.string({ minLength: 0, maxLength: 6, unit: fc.constantFrom('a', 'b', ' ') });
  fc.assert(
    fc.property(fc.array(line, { minLength: 1, maxLength: 8 }), fc.array(fc.nat(40)), (lines, cuts) => {
      const text = lines.map((each) => `${each}\n`).join('');
      const places = [0, ...cuts.map((cut) => cut % text.length), text.length].sort((a, b) => a - b);
      let rendered = '';
      let continues = false;
      for (let index = 1; index < places.length; index++) {
        const piece = text.slice(places[index - 1], places[index]);
        if (piece === '') continue;
        const flags = piece.endsWith('\n') ? 0 : BatchFlag.ENDS_OPEN;
        rendered += render('<%l>\\n', piece, flags, continues);
        continues = flags !== 0;
      }
      assert.equal(rendered, lines.map((each) => `<${each}>\n`).join(''));
    }),
  );
});

test('what is no escape is refused', () => {
  for (const format of ['%Q', 'a%', '\\x', 'a\\', '%']) {
    assert.throws(
      () => compileFormat(format, ''),
      (error) => error instanceof ServerError && error.code === 'format',
      format,
    );
  }
});
