import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AckSet } from '../src/ack-set.js';
import { decodeAckSet, encodeAckSet } from '../src/ack-set-record.js';
import { Cursors } from '../src/cursors.js';
import { RangeSet, SEQUENCE_MAX } from '../src/range-set.js';

const range = fc
  .tuple(fc.integer({ min: 1, max: 60 }), fc.nat(8))
  .map(([first, length]) => [first, first + length] as const);

test('a range set holds what a plain set holds', () => {
  fc.assert(
    fc.property(fc.array(range, { maxLength: 20 }), fc.integer({ min: 0, max: 70 }), (ranges, below) => {
      const set = new RangeSet(ranges);
      const plain = new Set(
        ranges.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, n) => first + n)),
      );
      for (let value = 0; value <= 70; value++) {
        assert.equal(set.has(value), plain.has(value));
        let next = value;
        while (plain.has(next)) next++;
        assert.equal(set.nextMissing(value), next);
      }
      const flat = [...set.ranges()];
      for (const [index, [first, last]] of flat.entries()) {
        assert.ok(first <= last && first > (flat[index - 1]?.[1] ?? -1) + 1, 'sorted, apart');
      }
      const covered = [...set.within(5, 50), ...set.missingWithin(5, 50)].sort((a, b) => a[0] - b[0]);
      let expected = 5;
      for (const [first, last] of covered) {
        assert.equal(first, expected);
        expected = last + 1;
      }
      assert.equal(expected, 51);
      set.removeBelow(below);
      for (let value = 0; value <= 70; value++)
        assert.equal(set.has(value), plain.has(value) && value >= below);
    }),
  );
});

const acks = fc.array(fc.tuple(fc.integer({ min: 1, max: 3 }), range), { maxLength: 25 });

test('an ack set has what was added, and its floor is the lowest gap', () => {
  fc.assert(
    fc.property(acks, fc.integer({ min: 0, max: 2 }), (added, overEpochs) => {
      const set = new AckSet();
      for (const [epoch, [first, last]] of added) set.add(epoch, first, last);
      for (let epoch = 1; epoch <= overEpochs; epoch++) set.add(epoch, 40, SEQUENCE_MAX);
      const isIn = (epoch: number, sequence: number): boolean =>
        (epoch <= overEpochs && sequence >= 40) ||
        added.some(([e, [first, last]]) => e === epoch && first <= sequence && sequence <= last);
      for (let epoch = 1; epoch <= 3; epoch++) {
        for (let sequence = 1; sequence <= 70; sequence++)
          assert.equal(set.has({ epoch, sequence }), isIn(epoch, sequence));
      }
      const { floor } = set;
      assert.equal(isIn(floor.epoch, floor.sequence), false);
      for (let epoch = 1; epoch < floor.epoch; epoch++)
        for (let s = 1; s <= 70; s++) assert.ok(isIn(epoch, s));
      for (let s = 1; s < floor.sequence; s++) assert.ok(isIn(floor.epoch, s));
      const copy = new AckSet(decodeAckSet(encodeAckSet(set.record())));
      assert.deepEqual(copy.record(), set.record());
    }),
  );
});

test('what is gone is what all cursors have acked, and what was given up', () => {
  const names = ['a', 'b', 'c'];
  const ack = fc.tuple(fc.constantFrom(...names, 'give up'), fc.integer({ min: 1, max: 2 }), range);
  fc.assert(
    fc.property(fc.array(ack, { maxLength: 30 }), fc.constantFrom(...names), (list, leaving) => {
      const cursors = new Cursors(undefined, names);
      const has = new Map(names.map((name) => [name, new Set<string>()]));
      for (const [who, epoch, [first, last]] of list) {
        if (who === 'give up') cursors.giveUp(epoch, first, last);
        else cursors.ack(who, epoch, [[first, last]]);
        for (const name of who === 'give up' ? names : [who]) {
          for (let s = first; s <= last; s++) has.get(name)?.add(`${epoch}:${s}`);
        }
      }
      const same = (remaining: string[]): void => {
        for (let epoch = 1; epoch <= 2; epoch++) {
          for (let sequence = 1; sequence <= 70; sequence++) {
            const key = `${epoch}:${sequence}`;
            const byAll = remaining.every((name) => has.get(name)?.has(key));
            assert.equal(cursors.gone.has({ epoch, sequence }), byAll, key);
            for (const name of remaining)
              assert.equal(cursors.set(name).has({ epoch, sequence }), has.get(name)?.has(key));
          }
        }
      };
      same(names);
      cursors.remove(leaving);
      same(names.filter((name) => name !== leaving));
      cursors.add('d');
      assert.deepEqual(cursors.set('d').record(), cursors.gone.record());
      const again = new Cursors(cursors.record(), ['d', 'e']);
      assert.deepEqual(again.gone.floor, cursors.gone.floor);
    }),
  );
});

test('acks that name all there could be do not reach into the next epoch', () => {
  const set = new AckSet();
  set.add(1, 1, SEQUENCE_MAX);
  assert.deepEqual(set.floor, { epoch: 2, sequence: 1 });
  set.add(1, 5, 6);
  assert.deepEqual(set.floor, { epoch: 2, sequence: 1 });
});
