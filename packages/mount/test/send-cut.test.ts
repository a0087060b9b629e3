import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compileFilter } from '../src/line-filter.js';
import { cutLines, endsOpen, recordsIn, type CutRule, type LineBegun } from '../src/send-cut.js';

const NO_FILTER = { default: 'allow' as const, select: [], allow: [], deny: [], rewrite: [] };

function ruleWith(changes: Partial<CutRule> = {}): CutRule {
  return { maxRecordBytes: 10, longRecords: 'split', filter: undefined, ...changes };
}

/** Cuts a file as k2hft send does: in windows, and again from where it ended when it has grown. */
function cutAll(parts: readonly string[], rule: CutRule, windowBytes: number, finish = false): string[] {
  const payloads: string[] = [];
  let file = Buffer.alloc(0);
  let [offset, begun]: [number, LineBegun] = [0, 'none'];
  for (const [index, part] of parts.entries()) {
    file = Buffer.concat([file, Buffer.from(part, 'latin1')]);
    for (;;) {
      const window = file.subarray(offset, offset + windowBytes);
      const isEnd = offset + window.length >= file.length;
      const isLast = finish && index === parts.length - 1;
      const cut = cutLines(window, begun, rule, isEnd ? (isLast ? 'last' : 'end') : 'more');
      payloads.push(...cut.payloads.map((payload) => payload.toString('latin1')));
      offset += cut.consumedBytes;
      begun = cut.begun;
      if (isEnd) break;
      assert.ok(cut.consumedBytes > 0, 'a window that is not the last one is used');
    }
  }
  return payloads;
}

const text = fc.array(fc.oneof(fc.constantFrom('a', 'bc', '\n'), fc.string({ maxLength: 15 })), {
  maxLength: 30,
});
const parts = fc.array(
  text.map((words) => words.join('').replaceAll(/[^\n-~]/g, '.')),
  { maxLength: 5 },
);

test('without a filter every byte is sent once, in order, in payloads of whole lines', () => {
  fc.assert(
    fc.property(parts, fc.integer({ min: 11, max: 40 }), (given, windowBytes) => {
      const payloads = cutAll(given, ruleWith(), windowBytes);
      assert.equal(payloads.join(''), given.join(''));
      for (const payload of payloads) {
        const last = payload.split('\n').at(-1) ?? '';
        assert.ok(payload.length <= windowBytes && last.length <= 10);
      }
    }),
  );
});

test('with a filter lines are judged whole, however the file is read and grows', () => {
  const filter = compileFilter({ ...NO_FILTER, deny: ['b'], rewrite: [['a', 'XX']] });
  fc.assert(
    fc.property(parts, fc.integer({ min: 101, max: 150 }), (given, windowBytes) => {
      const payloads = cutAll(given, ruleWith({ filter, maxRecordBytes: 100 }), windowBytes, true);
      const whole = given.join('');
      const lines = whole.split(/(?<=\n)/);
      // A line that is longer is judged by its first part.
      if (lines.some((line) => line.length > 100)) return;
      const kept = lines.filter((line) => !line.includes('b')).map((line) => line.replaceAll('a', 'XX'));
      // What is not the last call holds an unfinished line back; so it is whole when it is judged.
      assert.equal(payloads.join(''), kept.join(''));
    }),
  );
});

test('a line that is too long is sent in pieces, or dropped whole', () => {
  const long = `short\n${'x'.repeat(35)}\nend\n`;
  assert.deepEqual(cutAll([long], ruleWith(), 50), [
    'short\n',
    'x'.repeat(10),
    'x'.repeat(10),
    'x'.repeat(10),
    'xxxxx\n',
    'end\n',
  ]);
  assert.deepEqual(cutAll([long], ruleWith({ longRecords: 'drop' }), 13), ['short\n', 'end\n']);
  const filter = compileFilter({ ...NO_FILTER, allow: ['^x'], default: 'deny' });
  const pieces = cutAll([long], ruleWith({ filter }), 50);
  assert.equal(pieces.join(''), `${'x'.repeat(35)}\n`, 'its beginning decides');
});

test('an output stands for a long line as a whole', () => {
  const filter = compileFilter({
    ...NO_FILTER,
    select: [{ pattern: '^(x)', output: '$1!' }],
    default: 'deny',
  });
  const file = `${'x'.repeat(35)}\nxy\nno\n`;
  assert.equal(cutAll([file], ruleWith({ filter }), 50).join(''), 'x!\nx!\n');
  assert.equal(cutAll(['x tail'], ruleWith({ filter }), 50, true).join(''), 'x!');
});

test('a long line ends, also when a replacement in its last part could not be finished', () => {
  const filter = compileFilter({ ...NO_FILTER, rewrite: [['(?=c)(c+)+d', 'D']] });
  const file = `${'a'.repeat(60)}${'c'.repeat(40)}\nnext\n`;
  assert.equal(
    cutAll([file], ruleWith({ filter, maxRecordBytes: 60 }), 200).join(''),
    `${'a'.repeat(60)}\nnext\n`,
  );
});

test('a part that a replacement leaves nothing of does not take the rest of its line along', () => {
  const filter = compileFilter({ ...NO_FILTER, rewrite: [['x', '']] });
  assert.equal(cutAll([`${'x'.repeat(10)}tail\n`], ruleWith({ filter }), 50).join(''), 'tail\n');
});

test('a line of just the greatest length is not too long', () => {
  const line = `${'x'.repeat(10)}\n`;
  assert.deepEqual(cutAll([line, line], ruleWith({ longRecords: 'drop' }), 11), [line, line]);
});

test('an unfinished line waits only where whole lines are judged', () => {
  assert.deepEqual(cutAll(['a\nb', 'c\n'], ruleWith(), 50), ['a\n', 'b', 'c\n']);
  const filter = compileFilter({ ...NO_FILTER, deny: ['z'] });
  assert.deepEqual(cutAll(['a\nb', 'c\nd'], ruleWith({ filter }), 50), ['a\n', 'bc\n']);
  assert.deepEqual(cutAll(['a\nb', 'c\nd'], ruleWith({ filter }), 50, true), ['a\n', 'bc\n', 'd']);
});

test('records are lines, and an unfinished one', () => {
  assert.equal(recordsIn(Buffer.from('a\nb\n')), 2);
  assert.equal(recordsIn(Buffer.from('a\nb')), 2);
  assert.equal(endsOpen(Buffer.from('a\n')), false);
  assert.equal(endsOpen(Buffer.from('a\nb')), true);
  assert.equal(endsOpen(Buffer.alloc(0)), false);
});
