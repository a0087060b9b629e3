import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { InputBuffer } from '../src/input-buffer.js';

void test('a record that was given in part is given again from its beginning', () => {
  const input = new InputBuffer();
  input.push(Buffer.from('one\ntw'));
  input.push(Buffer.from('o\nthree\n'));
  input.given(5);
  assert.equal(input.isBetweenRecords, false);
  input.rewind();
  assert.equal(Buffer.concat(input.next(100, 10)).toString(), 'two\nthree\n');
  assert.equal(input.waitingBytes, 10);
});

void test('a whole record is not given again', () => {
  const input = new InputBuffer();
  input.push(Buffer.from('one\ntwo\n'));
  input.given(4);
  input.rewind();
  assert.equal(Buffer.concat(input.next(100, 10)).toString(), 'two\n');
});

void test('a chunk of binary data is one record, whatever bytes it holds', () => {
  const input = new InputBuffer();
  input.push(Buffer.from('a\nb\nc'), { isBinary: true });
  input.push(Buffer.from('next'), { isBinary: true });
  input.given(4);
  input.rewind();
  assert.equal(Buffer.concat(input.next(100, 10)).toString(), 'a\nb\ncnext');
  input.given(5);
  input.rewind();
  assert.equal(Buffer.concat(input.next(100, 10)).toString(), 'next');
});

void test('each piece is reported once when its last byte was given, also when it is given again', () => {
  const input = new InputBuffer();
  const taken: string[] = [];
  input.push(Buffer.from('a'), { taken: () => taken.push('a') });
  input.push(Buffer.from('b\n'), { taken: () => taken.push('b') });
  input.given(1);
  assert.deepEqual(taken, ['a']);
  input.rewind();
  input.given(3);
  assert.deepEqual(taken, ['a', 'b']);
  input.push(Buffer.alloc(0), { taken: () => taken.push('nothing') });
  assert.deepEqual(taken, ['a', 'b', 'nothing']);
});

void test('up to the end of the record that was begun', () => {
  const input = new InputBuffer();
  input.push(Buffer.from('one\ntw'));
  input.push(Buffer.from('o\nthree\n'));
  input.given(5);
  assert.equal(Buffer.concat(input.next(100, 10, true)).toString(), 'wo\n');
});

void test('whatever is given in whatever steps, every process reads whole records, and nothing is left out', () => {
  const piece = fc.record({
    text: fc.stringMatching(/^[ab\n]{0,6}$/),
    isBinary: fc.boolean(),
  });
  // A step gives some bytes, or (0) changes the process.
  const steps = fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 40 });
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), steps, (pieces, counts) => {
      const input = new InputBuffer();
      let takenCount = 0;
      for (const { text, isBinary } of pieces) {
        // A binary chunk and an unfinished line do not share a record.
        const bytes = Buffer.from(isBinary || text === '' ? text : `${text}\n`);
        input.push(bytes, { isBinary, taken: () => takenCount++ });
      }
      const whole = pieces
        .map(({ text, isBinary }) => (isBinary || text === '' ? text : `${text}\n`))
        .join('');
      // What each process was given; the last record of one may be cut and is then repeated by the next.
      let position = 0;
      for (const count of [...counts, 1000]) {
        if (count === 0) {
          const before = input.waitingBytes;
          input.rewind();
          position -= input.waitingBytes - before;
          continue;
        }
        const given = Buffer.concat(input.next(count, 3));
        assert.equal(given.toString(), whole.slice(position, position + given.length));
        input.given(given.length);
        position += given.length;
      }
      while (input.waitingBytes > 0) {
        const given = Buffer.concat(input.next(100, 3));
        assert.equal(given.toString(), whole.slice(position, position + given.length));
        input.given(given.length);
        position += given.length;
      }
      assert.equal(position, whole.length);
      assert.equal(takenCount, pieces.length);
    }),
  );
});
