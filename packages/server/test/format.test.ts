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
    ['\\x00\\xff\\x4A\\r\\a\\b\\f\\v%l', '\0\xffJ\r\x07\b\f\vone\0\xffJ\r\x07\b\f\vtwo'],
    ['%{trimmed}|', 'one|two|'],
  ];
  for (const [format, expected] of rows) assert.equal(render(format, 'one\ntwo\n'), expected, format);
});

test('a name that holds a line break cannot begin a record of another host', () => {
  const batch = { ...fields('one\n'), host: 'a\nb', path: Buffer.from('d\n/web9 forged\x1b[m') };
  const rendered = compileFormat('%H %F %f %L', '').render(batch, false).toString('latin1');
  assert.equal(rendered, 'a\\x0ab d\\x0a/web9 forged\\x1b[m web9 forged\\x1b[m one\n');
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

test('the example of K2HFTFUSE, with one file for all', () => {
  const format = compileFormat('%H:%F(%P):%f[%T] %L', '%F %T(%s %-)');
  const example = {
    ...fields('x INFO y\n'),
    host: 'web1',
    path: Buffer.from('log/a.log'),
    pid: 4711,
    timeSeconds: 1_704_067_200,
    timeNanos: 12_000_000,
  };
  assert.equal(
    format.render(example, false).toString(),
    'web1:log/a.log(4711):a.log[2024-01-01 00:00:00(1704067200 012000000)] x INFO y\n',
  );
});

test('%{trimmed} is the line without blanks, tabs, CR and LF at both ends', () => {
  const rows: [payload: string, expected: string][] = [
    [' \t a b \r\n', '<a b>'],
    ['\r\n \n\nx\n', '<><><><x>'],
    ['\v x \0\n', '<\v x \0>'],
  ];
  for (const [payload, expected] of rows) assert.equal(render('<%{trimmed}>', payload), expected);
  const { ENDS_OPEN } = BatchFlag;
  assert.equal(render('<%{trimmed}>', ' a ', ENDS_OPEN), '<a ');
  assert.equal(render('<%{trimmed}>', ' b \n', 0, true), ' b>');
});

test('lines that become nothing take no other with them', () => {
  assert.equal(render('%l', '\n\n'), '');
  assert.equal(render('%{trimmed}', ' \na\n\t\nb\n'), 'ab');
});

test('a binary chunk is one record, whatever bytes are in it and however many batches it is', () => {
  const { BINARY, ENDS_OPEN, STREAM_END } = BatchFlag;
  assert.equal(render('%P %L', 'one\ntwo\n', BINARY), '12 one\ntwo\n');
  assert.equal(render('<%l>', ' \n', BINARY), '< \n>');
  assert.equal(render('<%{trimmed}>', ' \n', BINARY), '< \n>');
  assert.equal(render('<%l>', 'one\n', BINARY | ENDS_OPEN), '<one\n');
  assert.equal(render('<%l>', 'two\n', BINARY | ENDS_OPEN, true), 'two\n');
  assert.equal(render('<%l>', '', BINARY | STREAM_END, true), '>');
});

test('what was rendered for the batch before is used only where it fits', () => {
  const format = compileFormat('%H %P %U %G %f %T %l;', '%s %-');
  const batch = fields('x');
  const rows: [change: Partial<FormatFields>, expected: string][] = [
    [{}, 'hôst 12 34 56 \xffa.log 1000000000 000000007 x;'],
    [{ host: 'h' }, 'h 12 34 56 \xffa.log 1000000000 000000007 x;'],
    [{ pid: 1 }, 'hôst 1 34 56 \xffa.log 1000000000 000000007 x;'],
    [{ uid: 1 }, 'hôst 12 1 56 \xffa.log 1000000000 000000007 x;'],
    [{ gid: 1 }, 'hôst 12 34 1 \xffa.log 1000000000 000000007 x;'],
    [{ path: Buffer.from('b') }, 'hôst 12 34 56 b 1000000000 000000007 x;'],
    [{ timeNanos: 8 }, 'hôst 12 34 56 \xffa.log 1000000000 000000008 x;'],
    [{ timeSeconds: 2 }, 'hôst 12 34 56 \xffa.log 2 000000007 x;'],
    [{ payload: Buffer.from('y') }, 'hôst 12 34 56 \xffa.log 1000000000 000000007 y;'],
  ];
  for (const [change, expected] of rows) {
    const rendered = format.render({ ...batch, ...change }, false).toString('latin1');
    assert.equal(rendered, expected.replace('hôst', latin1('hôst')));
  }
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
  for (const format of ['%Q', 'a%', '\\x', '\\xg0', '\\x1', '\\0', 'a\\', '%', '%{trim}', '%{trimmed']) {
    assert.throws(
      () => compileFormat(format, ''),
      (error) => error instanceof ServerError && error.code === 'format',
      format,
    );
  }
});
