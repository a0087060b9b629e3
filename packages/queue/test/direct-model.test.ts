import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { POSITION_ZERO, QueueError, type DirectQueue } from '../src/index.js';
import { checkBatch, makeBatch } from './helpers/batches.js';
import { openDirect } from './helpers/direct.js';

/* The direct queue against a list and a map in memory. It is "killed" by letting everything go with nothing saved. */

interface ModelBatch {
  readonly key: string;
  /** Cursors that need not get it any more, and those that may get it again after a kill. */
  readonly ackedBy: Set<string>;
  readonly mayComeAgain: Set<string>;
}

interface Model {
  epoch: number;
  next: number;
  batches: ModelBatch[];
  rows: Map<string, string>;
}

interface Real {
  readonly dir: string;
  queue: DirectQueue;
}

const CURSORS = ['a', 'b'];
const MIB = 1024 * 1024;
/** Files of 1 MiB: so they come and go. */
const SETTINGS = { maxSizeBytes: 6 * MIB };

type Command = fc.AsyncCommand<Model, Real>;
const keyOf = ({ epoch, sequence }: { epoch: number; sequence: number }): string => `${epoch}:${sequence}`;

class Append implements Command {
  constructor(
    readonly sizes: number[],
    readonly row: string,
  ) {}
  check = () => true;
  async run(model: Model, { queue }: Real): Promise<void> {
    assert.equal(queue.nextSequence(), model.next);
    const batches = this.sizes.map((payloadBytes, index) => ({
      sequence: model.next + index,
      bytes: makeBatch({ sequence: model.next + index, payloadBytes }),
    }));
    const value = `${model.epoch}:${model.next} ${this.sizes.length}`;
    try {
      await queue.append(batches, new Map([[this.row, Buffer.from(value)]]));
    } catch (error) {
      assert.ok(error instanceof QueueError && error.code === 'no_space', String(error));
      return;
    }
    for (const { sequence } of batches) {
      const key = keyOf({ epoch: model.epoch, sequence });
      model.batches.push({ key, ackedBy: new Set(), mayComeAgain: new Set() });
    }
    model.next += batches.length;
    model.rows.set(this.row, value);
  }
  toString = () => `append(${this.sizes.join()} ${this.row})`;
}

class Forget implements Command {
  constructor(readonly row: string) {}
  check = () => true;
  async run(model: Model, { queue }: Real): Promise<void> {
    await queue.forget([this.row]);
    model.rows.delete(this.row);
  }
  toString = () => `forget(${this.row})`;
}

class ReadAndAck implements Command {
  constructor(
    readonly cursor: string,
    readonly countMax: number,
    readonly ackEvery: number,
  ) {}
  check = () => true;
  run(model: Model, { queue }: Real): Promise<void> {
    const found = queue.read(this.cursor, POSITION_ZERO, 1e9, this.countMax);
    for (const { position, bytes } of found) checkBatch(position, bytes);
    const got = found.map(({ position }) => keyOf(position));
    assertComplete(model, this.cursor, got, this.countMax);
    for (const [index, { position }] of found.entries()) {
      if (index % this.ackEvery !== 0) continue;
      queue.ack(this.cursor, position.epoch, [[position.sequence, position.sequence]]);
      const batch = model.batches.find(({ key }) => key === keyOf(position));
      batch?.ackedBy.add(this.cursor);
      batch?.mayComeAgain.delete(this.cursor);
    }
    return Promise.resolve();
  }
  toString = () => `read(${this.cursor}, ${this.countMax}, ack every ${this.ackEvery})`;
}

/** What must come comes, in order, and nothing else. */
function assertComplete(model: Model, cursor: string, got: string[], countMax: number): void {
  let at = 0;
  for (const { key, ackedBy, mayComeAgain } of model.batches) {
    if (at >= countMax) break;
    const must = !ackedBy.has(cursor);
    if (got[at] === key) {
      assert.ok(must || mayComeAgain.has(cursor), `${key} was acked or given up`);
      at++;
    } else assert.ok(!must, `${key} is missing for ${cursor}, there is ${got[at] ?? 'nothing'}`);
  }
  assert.equal(at, got.length, 'nothing else comes');
}

class Drop implements Command {
  constructor(readonly bytes: number) {}
  check = () => true;
  run(model: Model, { queue }: Real): Promise<void> {
    const before = CURSORS.map((cursor) => pendingKeys(queue, cursor));
    const dropped = queue.dropOldest(queue.roomBytes() + this.bytes);
    const lost = new Set<string>();
    for (const [index, cursor] of CURSORS.entries()) {
      const after = new Set(pendingKeys(queue, cursor));
      const gone = (before[index] ?? []).filter((key) => !after.has(key));
      assert.deepEqual(gone, before[index]?.slice(0, gone.length), 'the oldest go');
      for (const key of gone) lost.add(key);
      for (const batch of model.batches) if (gone.includes(batch.key)) batch.ackedBy.add(cursor);
    }
    assert.equal(dropped.batches, lost.size);
    return Promise.resolve();
  }
  toString = () => `drop(${this.bytes})`;
}

class Limit implements Command {
  constructor(
    readonly cursor: string,
    readonly bytesMax: number,
  ) {}
  check = () => true;
  run(model: Model, { queue }: Real): Promise<void> {
    const before = queue.read(this.cursor, POSITION_ZERO, 1e9, 1e6).map(({ position }) => keyOf(position));
    const given = queue.limitCursor(this.cursor, this.bytesMax);
    const after = new Set(
      queue.read(this.cursor, POSITION_ZERO, 1e9, 1e6).map(({ position }) => keyOf(position)),
    );
    const gone = before.filter((key) => !after.has(key));
    assert.equal(gone.length, given.batches);
    assert.deepEqual(gone, before.slice(0, gone.length), 'the oldest go');
    for (const batch of model.batches) if (gone.includes(batch.key)) batch.ackedBy.add(this.cursor);
    return Promise.resolve();
  }
  toString = () => `limit(${this.cursor}, ${this.bytesMax})`;
}

class Reopen implements Command {
  constructor(readonly killed: boolean) {}
  check = () => true;
  async run(model: Model, real: Real): Promise<void> {
    await (this.killed ? real.queue.abandon() : real.queue.close());
    if (this.killed) {
      // Acks that are not common to all, or not in order, may be forgotten.
      for (const batch of model.batches) for (const cursor of batch.ackedBy) batch.mayComeAgain.add(cursor);
    }
    real.queue = (await openDirect(real.dir, { cursors: CURSORS, settings: SETTINGS })).queue;
    assert.equal(real.queue.epoch(), model.epoch + 1);
    model.epoch++;
    model.next = 1;
    checkRows(model, real.queue);
  }
  toString = () => `reopen${this.killed ? ' killed' : ''}`;
}

function pendingKeys(queue: DirectQueue, cursor: string): string[] {
  return queue.read(cursor, POSITION_ZERO, 1e9, 1e6).map(({ position }) => keyOf(position));
}

function checkRows(model: Model, queue: DirectQueue): void {
  const rows = [...queue.ledger()].map(([key, value]) => [key, value.toString()]);
  assert.deepEqual(rows.sort(), [...model.rows].sort());
}

const RUNS = Number(process.env['K2HFT_QUEUE_MODEL_RUNS'] ?? 30);

const commands = fc.commands(
  [
    fc
      .tuple(
        fc.array(fc.oneof(fc.nat(300), fc.nat(400_000)), { maxLength: 5 }),
        fc.constantFrom('x', 'y', 'z'),
      )
      .map(([sizes, row]) => new Append(sizes, row)),
    fc.constantFrom('x', 'y', 'z').map((row) => new Forget(row)),
    fc
      .tuple(fc.constantFrom(...CURSORS), fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 3 }))
      .map(([c, n, k]) => new ReadAndAck(c, n, k)),
    fc.nat(2 * MIB).map((bytes) => new Drop(bytes)),
    fc.tuple(fc.constantFrom(...CURSORS), fc.nat(MIB)).map(([c, n]) => new Limit(c, n)),
    fc.boolean().map((killed) => new Reopen(killed)),
  ],
  { maxCommands: 40, size: '+1' },
);

test('whatever is done, what was appended is delivered, and the ledger says what was appended', async () => {
  await fc.assert(
    fc.asyncProperty(commands, async (list) => {
      const dir = mkdtempSync(join(tmpdir(), 'k2hft-test-'));
      const { queue } = await openDirect(dir, { cursors: CURSORS, settings: SETTINGS });
      const model: Model = { epoch: queue.epoch(), next: 1, batches: [], rows: new Map() };
      const real: Real = { dir, queue };
      try {
        await fc.asyncModelRun(() => ({ model, real }), list);
        for (const cursor of CURSORS) await new ReadAndAck(cursor, 1e6, 1).run(model, real);
        assert.deepEqual(real.queue.floor(), { epoch: model.epoch, sequence: model.next });
        checkRows(model, real.queue);
        await real.queue.checkpoint();
        assert.equal(real.queue.statistics().lost['missing'], undefined);
      } finally {
        await real.queue.abandon();
        rmSync(dir, { recursive: true, force: true });
      }
    }),
    { numRuns: RUNS, includeErrorInReport: true },
  );
});
