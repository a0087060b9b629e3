import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { BatchFlag, decodeBatch } from '@k2hft/wire';
import fc from 'fast-check';
import { planAppend, type StreamBatch } from '../src/batch-append.js';
import { compileFormat } from '../src/format.js';
import type { Tail } from '../src/output-file.js';
import { makeBatch } from './source-client.js';

const RAW = compileFormat('%L', '');

function batch(stream: string, payload: string | Buffer, flags?: number): StreamBatch {
  return { stream, batch: decodeBatch(makeBatch(flags === undefined ? { payload } : { payload, flags }), 0) };
}

function appendAll(
  batches: readonly StreamBatch[],
  tail?: Tail,
  format = RAW,
): { text: string; tail: Tail | undefined } {
  let text = '';
  let rest = batches;
  while (rest.length > 0) {
    const append = planAppend(rest, tail, format);
    const bytes = Buffer.concat(append.buffers);
    assert.equal(bytes.length, append.bytes);
    text += bytes.toString();
    ({ tail } = append);
    rest = rest.slice(append.batchCount);
  }
  return { text, tail };
}

test('another stream starts on a line of its own', () => {
  assert.equal(
    appendAll([batch('a', 'one'), batch('b', 'two\n'), batch('a', 'three\n')]).text,
    'one\ntwo\nthree\n',
  );
  assert.equal(appendAll([batch('a', 'x\n')], { stream: '', midRecord: false }).text, '\nx\n');
});

test('a stream that goes on is not interrupted', () => {
  const { text, tail } = appendAll([batch('a', 'on'), batch('a', ''), batch('a', 'e')], undefined);
  assert.equal(text, 'one');
  assert.equal(tail?.stream, 'a');
  assert.equal(appendAll([batch('a', '!\n')], tail).text, '!\n');
});

test('after the end of a stream, the same stream that comes on another way starts on a line of its own', () => {
  const { ENDS_OPEN, STREAM_END } = BatchFlag;
  const whole = [batch('a', 'x\n'), batch('a', 'last', ENDS_OPEN | STREAM_END)];
  assert.equal(appendAll([...whole, ...whole]).text, 'x\nlast\nx\nlast');
  const inPieces = [batch('a', 'la', ENDS_OPEN), batch('a', 'st', ENDS_OPEN), batch('a', '', STREAM_END)];
  assert.equal(appendAll([...inPieces, ...inPieces]).text, 'last\nlast');
});

test('a format that says what is behind a line is obeyed, but after an unfinished record', () => {
  const { ENDS_OPEN, STREAM_END } = BatchFlag;
  const format = compileFormat('%l,', '');
  const rest = batch('a', 'two', ENDS_OPEN | STREAM_END);
  assert.equal(
    appendAll([batch('a', 'one\n'), rest, batch('b', 'x\n')], undefined, format).text,
    'one,two,x,',
  );
  const piece = batch('a', 'pie', ENDS_OPEN);
  assert.equal(appendAll([piece, batch('b', 'x\n')], undefined, format).text, 'pie\nx,');
  const bare = compileFormat('[%H] %L', '');
  assert.match(appendAll([rest, batch('b', 'x\n')], undefined, bare).text, /two\n\[[^\n]*x\n$/);
});

test('an empty batch of another stream changes nothing', () => {
  const { text, tail } = appendAll([batch('a', 'on'), batch('b', ''), batch('a', 'e\n')]);
  assert.equal(text, 'one\n');
  assert.equal(tail, undefined);
});

test('nothing is put before or behind binary data', () => {
  const binary = (payload: string): StreamBatch => {
    return { stream: 'b', batch: decodeBatch(makeBatch({ payload, flags: BatchFlag.BINARY }), 0) };
  };
  assert.equal(appendAll([batch('a', 'x'), binary('\0\0'), batch('c', 'y\n')]).text, 'x\0\0y\n');
  // An empty chunk is no data: the unfinished line is still the last thing in the file.
  assert.equal(appendAll([batch('a', 'x'), binary(''), batch('c', 'y\n')]).text, 'x\ny\n');
});

test('a binary chunk in several batches is known until it ends', () => {
  const { BINARY, ENDS_OPEN, STREAM_END } = BatchFlag;
  const chunk = (stream: string, payload: string, flags: number): StreamBatch => {
    return { stream, batch: decodeBatch(makeBatch({ payload, flags: BINARY | flags }), 0) };
  };
  const open = appendAll([chunk('b', 'one\n', ENDS_OPEN)]);
  assert.deepEqual(open.tail, { stream: 'b', midRecord: true, binary: true });
  assert.equal(appendAll([batch('a', 'x\n')], open.tail).text, 'x\n');
  assert.equal(appendAll([chunk('b', '', STREAM_END)], open.tail).tail, undefined);
  assert.deepEqual(appendAll([chunk('b', '', ENDS_OPEN)], open.tail).tail, open.tail);
  assert.equal(appendAll([chunk('b', 'end', 0)], open.tail).tail, undefined);
});

test('a plan stops between two records before it is larger than the room', () => {
  const batches = [batch('a', '1234\n'), batch('a', '5678\n'), batch('a', '9\n')];
  assert.equal(planAppend(batches, undefined, RAW, 10).batchCount, 2);
  assert.equal(planAppend(batches, undefined, RAW, 9).batchCount, 1);
  assert.equal(planAppend(batches, undefined, RAW, 0).batchCount, 1);
  // The line's end belongs to it.
  assert.equal(
    planAppend([batch('a', 'on'), batch('a', 'e\n'), batch('a', 'x\n')], undefined, RAW, 2).batchCount,
    2,
  );
});

test('lines of two streams never run together, and no byte is lost', () => {
  const pieces = fc.array(
    fc.record({
      stream: fc.constantFrom('a', 'b', 'c'),
      shape: fc.constantFrom('x', 'x\n', '\n', 'xx\nx', ''),
    }),
    { maxLength: 30 },
  );
  fc.assert(
    fc.property(pieces, (list) => {
      const batches = list.map(({ stream, shape }) => batch(stream, shape.replaceAll('x', stream)));
      const { text } = appendAll(batches);
      for (const line of text.split('\n')) assert.ok(new Set(line).size <= 1, JSON.stringify(text));
      for (const stream of ['a', 'b', 'c']) {
        const written = batches
          .filter((each) => each.stream === stream)
          .map((each) => each.batch.payload.toString());
        const letters = (whole: string): number => whole.split(stream).length - 1;
        assert.equal(letters(text), letters(written.join('')));
      }
      const only = list.every(({ stream }) => stream === list[0]?.stream);
      if (only) assert.equal(text, batches.map((each) => each.batch.payload.toString()).join(''));
    }),
  );
});

test('one append takes many batches, but neither too many nor too much', () => {
  const small = Array.from({ length: 3000 }, () => batch('a', 'x\n'));
  const { batchCount, buffers } = planAppend(small, undefined, RAW);
  assert.ok(batchCount > 1000 && buffers.length <= 1024);
  const large = Array.from({ length: 10 }, () => batch('a', Buffer.alloc(3_000_000, 10)));
  assert.equal(planAppend(large, undefined, RAW).batchCount, 1);
  const alternating = Array.from({ length: 2000 }, (_each, index) => batch(String(index % 2), 'x'));
  assert.ok(planAppend(alternating, undefined, RAW).buffers.length <= 1024);
});
