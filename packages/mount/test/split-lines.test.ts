import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { splitLong, splitShort } from '../src/split-lines.js';

/** What a reader would say the cuts are: one line after the other, byte by byte. */
function cutsByHand(run: Buffer, recordBytesMax: number): { records: string[]; rest: string } {
  const records: string[] = [];
  let line = '';
  for (const byte of run.toString('latin1')) {
    if (byte === '\n') {
      records.push(`${line}\n`);
      line = '';
    } else {
      if (line.length === recordBytesMax) {
        records.push(line);
        line = '';
      }
      line += byte;
    }
  }
  return { records, rest: line };
}

const runs = fc
  .array(fc.constantFrom('a', 'b', '\n', '\r', '\0', 'xxxxxxxx'), { maxLength: 80 })
  .map((parts) => Buffer.from(parts.join(''), 'latin1'));

void test('a run is cut where a reader would cut it, whatever the limit', () => {
  fc.assert(
    fc.property(runs, fc.integer({ min: 1, max: 40 }), (run, recordBytesMax) => {
      const split = splitLong(run, recordBytesMax);
      const byHand = cutsByHand(run, recordBytesMax);
      const sentBytes = split.payloadEnds.at(-1) ?? 0;
      assert.equal(run.toString('latin1', sentBytes), byHand.rest);
      const records: string[] = [];
      let at = 0;
      for (const end of split.payloadEnds) {
        records.push(...(run.toString('latin1', at, end).match(/[^\n]*\n|[^\n]+$/g) ?? []));
        at = end;
      }
      assert.deepEqual(records, byHand.records);
      assert.equal(split.pieces, byHand.records.filter((record) => !record.endsWith('\n')).length);
    }),
  );
});

void test('the short way agrees with the long way wherever it answers', () => {
  fc.assert(
    fc.property(runs, runs, fc.integer({ min: 1, max: 400 }), (restText, data, recordBytesMax) => {
      const rest = Buffer.from(restText.toString('latin1').replaceAll('\n', ''), 'latin1');
      const framed = Buffer.concat([Buffer.from('\n\n'), data, Buffer.from('\n')]);
      const short = splitShort(rest.length, framed, 2, 2 + data.length, recordBytesMax);
      if (short === undefined) return;
      assert.deepEqual(short, splitLong(Buffer.concat([rest, data]), recordBytesMax));
    }),
  );
});
