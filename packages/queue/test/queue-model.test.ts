import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { QueueError, type HotQueue, type Position, type QueueDrain } from '../src/index.js';
import { checkBatch, makeBatch } from './helpers/batches.js';
import { openDrain, openHot } from './helpers/queues.js';

/*
 * The queue against a list in memory. The two ends live in one process here, and are "killed" by closing what they
 * have open without saving anything; killed-processes.test.ts kills real ones.
 */

interface ModelBatch {
  readonly position: Position;
  readonly old: boolean;
  /** Named by an answered checkpoint: survives the loss of power. */
  durable: boolean;
}

interface Model {
  epoch: number;
  next: number;
  boot: number;
  /** Every batch of which it is not known that it is gone. */
  batches: ModelBatch[];
  /** By cursor, keys of acked batches. */
  acked: Map<string, Set<string>>;
  /**
   * May be missing from now on: expired, or dropped to make room. Keys of batches; where only one destination may miss
   * one, its cursor stands in front.
   */
  given: Set<string>;
  rows: Map<string, string>;
}

interface Real {
  readonly dir: string;
  hot: HotQueue;
  drain: QueueDrain;
  readonly expireMs: number;
}

const CURSORS = ['a', 'b'];
const OLD_MS = 1_000_000;

const keyOf = ({ epoch, sequence }: Position): string => `${epoch}:${sequence}`;
const bootId = (boot: number): string => `00000000-0000-4000-8000-${String(boot).padStart(12, '0')}`;

type Command = fc.AsyncCommand<Model, Real>;

class Append implements Command {
  constructor(
    readonly sizes: number[],
    readonly row: string,
    readonly old: boolean,
  ) {}
  check = () => true;
  run(model: Model, { hot }: Real): Promise<void> {
    assert.equal(hot.nextSequence(), model.next);
    const batches = this.sizes.map((payloadBytes, index) => {
      const sequence = model.next + index;
      return {
        sequence,
        bytes: makeBatch({ sequence, payloadBytes, ...(this.old ? { timeMs: Date.now() - OLD_MS } : {}) }),
      };
    });
    const value = `${model.epoch}:${model.next}`;
    hot.append(
      batches,
      new Map([
        [this.row, Buffer.from(value)],
        ['gone', undefined],
      ]),
    );
    for (const { sequence } of batches) {
      model.batches.push({ position: { epoch: model.epoch, sequence }, old: this.old, durable: false });
    }
    model.next += batches.length;
    model.rows.set(this.row, value);
    return Promise.resolve();
  }
  toString = () => `append(${this.sizes.join()}${this.old ? ' old' : ''})`;
}

class Rows implements Command {
  check = () => true;
  run(model: Model, { hot }: Real): Promise<void> {
    const found = new Map(hot.rows('').map(([key, value]) => [key, value.toString()]));
    assert.deepEqual([...found].sort(), [...model.rows].sort());
    for (const [key, value] of model.rows) assert.equal(hot.row(key)?.toString(), value);
    return Promise.resolve();
  }
  toString = () => 'rows';
}

class ReadAndAck implements Command {
  constructor(
    readonly cursor: string,
    readonly countMax: number,
    readonly ackEvery: number,
  ) {}
  check = () => true;
  run(model: Model, { drain, expireMs }: Real): Promise<void> {
    const floor = drain.floor(this.cursor);
    const found = drain.read(
      this.cursor,
      { epoch: floor.epoch, sequence: floor.sequence - 1 },
      500_000,
      this.countMax,
    );
    for (const { position, bytes } of found) checkBatch(position, bytes);
    const expected = pending(model, this.cursor, expireMs > 0);
    const got = found.map(({ position }) => keyOf(position));
    assertInOrder(got, expected, model, this.cursor);
    if (expireMs > 0)
      for (const { position, old } of model.batches) if (old) model.given.add(keyOf(position));
    for (const [index, { position }] of found.entries()) {
      if (index % this.ackEvery !== 0) continue;
      drain.ack(this.cursor, position.epoch, [[position.sequence, position.sequence]]);
      model.acked.get(this.cursor)?.add(keyOf(position));
    }
    return Promise.resolve();
  }
  toString = () => `read(${this.cursor}, ${this.countMax}, ack every ${this.ackEvery})`;
}

class Checkpoint implements Command {
  constructor(readonly requested: boolean) {}
  check = () => true;
  async run(model: Model, { hot, drain }: Real): Promise<void> {
    const upTo = { epoch: model.epoch, sequence: model.next - 1 };
    if (!this.requested) await drain.checkpoint(true);
    else {
      const ticket = hot.requestCheckpoint(upTo);
      assert.ok(hot.checkpointed().sequence < upTo.sequence || hot.checkpointed().epoch < upTo.epoch);
      await drain.checkpoint();
      assert.equal(hot.isDurable(ticket), true);
    }
    const reached = hot.checkpointed();
    assert.ok(reached.epoch === upTo.epoch ? reached.sequence >= upTo.sequence : upTo.sequence === 0);
    for (const batch of model.batches) batch.durable = true;
  }
  toString = () => `checkpoint${this.requested ? ' requested' : ''}`;
}

class Collect implements Command {
  check = () => true;
  run(_: Model, { hot }: Real): Promise<void> {
    hot.collect();
    assert.ok(hot.roomBytes() >= 0);
    return Promise.resolve();
  }
  toString = () => 'collect';
}

class DropOldest implements Command {
  constructor(readonly bytes: number) {}
  check = () => true;
  async run(model: Model, { hot, drain }: Real): Promise<void> {
    // More than there is room for, so that something has to go.
    hot.dropOldest(hot.roomBytes() + this.bytes);
    // The drain may be busy when it is asked to drop from the store, and may still do so when the worker has lost its
    // patience and dropped from hot: it looks again, and is waited for each time.
    for (let round = 0; round < 3; round++) {
      drain.noticed();
      await drain.checkpoint();
    }
    drain.noticed();
    // With several destinations only those that are behind give up what is oldest.
    for (const cursor of CURSORS) {
      const floor = drain.floor(cursor);
      const found = drain.read(cursor, { epoch: floor.epoch, sequence: floor.sequence - 1 }, 1e9, 1e6);
      const left = new Set(found.map(({ position }) => keyOf(position)));
      for (const { position } of model.batches)
        if (!left.has(keyOf(position))) model.given.add(`${cursor} ${keyOf(position)}`);
    }
  }
  toString = () => `dropOldest(${this.bytes})`;
}

class RestartWorker implements Command {
  check = () => true;
  run(model: Model, real: Real): Promise<void> {
    real.hot.close();
    real.hot = openHot(real.dir, { expireMs: real.expireMs }, bootId(model.boot));
    assert.equal(real.hot.epoch, model.epoch);
    return Promise.resolve();
  }
  toString = () => 'restart worker';
}

class RestartDrain implements Command {
  constructor(readonly killed: boolean) {}
  check = () => true;
  async run(model: Model, real: Real): Promise<void> {
    await (this.killed ? real.drain.abandon() : real.drain.close());
    real.drain = await openModelDrain(model, real);
    if (this.killed) forgetAcksAbove(model, real.drain);
  }
  toString = () => `restart drain${this.killed ? ' killed' : ''}`;
}

class PowerLoss implements Command {
  check = () => true;
  async run(model: Model, real: Real): Promise<void> {
    await real.drain.abandon();
    real.hot.close();
    model.boot++;
    real.hot = openHot(real.dir, { expireMs: real.expireMs }, bootId(model.boot));
    assert.ok(real.hot.epoch > model.epoch, 'a new epoch');
    model.epoch = real.hot.epoch;
    model.next = 1;
    model.rows.clear();
    // What no checkpoint has named may be there or not.
    for (const { position, durable } of model.batches) if (!durable) model.given.add(keyOf(position));
    real.drain = await openModelDrain(model, real);
    forgetAcksAbove(model, real.drain);
  }
  toString = () => 'power loss';
}

/** Acks may fall back behind a kill: what comes again is not new, so the model takes the floor as it is. */
function forgetAcksAbove(model: Model, drain: QueueDrain): void {
  for (const [cursor, acked] of model.acked) {
    const floor = drain.floor(cursor);
    for (const { position } of model.batches) {
      const isAbove =
        position.epoch > floor.epoch ||
        (position.epoch === floor.epoch && position.sequence >= floor.sequence);
      // Read again, it must be the same batch; whether it is read again is not said.
      if (isAbove && acked.has(keyOf(position))) model.given.add(keyOf(position));
    }
  }
}

function pending(model: Model, cursor: string, expires: boolean): ModelBatch[] {
  return model.batches.filter(
    ({ position, old }) => !(expires && old) && !(model.acked.get(cursor)?.has(keyOf(position)) ?? false),
  );
}

/** Whether this destination, or everybody, may have lost it. */
function isGiven(model: Model, cursor: string, key: string): boolean {
  return model.given.has(key) || model.given.has(`${cursor} ${key}`);
}

/** `got` must be a prefix of `expected`, in which those that were given up may be left out, or acked ones come again. */
function assertInOrder(got: string[], expected: ModelBatch[], model: Model, cursor: string): void {
  let at = 0;
  for (const key of got) {
    if (!expected.some(({ position }) => keyOf(position) === key)) {
      assert.ok(isGiven(model, cursor, key), `${key} was acked or never written`);
      continue;
    }
    for (;;) {
      const batch = expected[at++];
      assert.ok(batch !== undefined, `${key} is out of order`);
      if (keyOf(batch.position) === key) break;
      assert.ok(
        isGiven(model, cursor, keyOf(batch.position)),
        `${keyOf(batch.position)} is missing before ${key}`,
      );
    }
  }
  assert.equal(new Set(got).size, got.length, 'no batch comes twice in one read');
  const positions = got.map((key) => key.split(':').map(Number));
  for (const [index, [epoch = 0, sequence = 0]] of positions.entries()) {
    const [epochBefore = 0, sequenceBefore = 0] = positions[index - 1] ?? [];
    assert.ok(epoch > epochBefore || (epoch === epochBefore && sequence > sequenceBefore), 'in order');
  }
}

async function openModelDrain(
  model: Model,
  { dir, expireMs }: Pick<Real, 'dir' | 'expireMs'>,
): Promise<QueueDrain> {
  const { drain } = await openDrain(dir, {
    cursors: CURSORS,
    bootId: bootId(model.boot),
    settings: { expireMs },
  });
  return drain;
}

/** In the end every batch that was not given up must come, to every cursor that has not acked it. */
async function finish(model: Model, real: Real): Promise<void> {
  for (const cursor of CURSORS) {
    const expected = pending(model, cursor, real.expireMs > 0);
    const found = [];
    for (;;) {
      const floor = drainFloorBefore(real.drain, cursor);
      const some = real.drain.read(cursor, found.at(-1)?.position ?? floor, 1e9, 1e6);
      if (some.length === 0) break;
      found.push(...some);
    }
    const got = new Set(found.map(({ position }) => keyOf(position)));
    for (const { position } of expected) {
      assert.ok(
        got.has(keyOf(position)) || isGiven(model, cursor, keyOf(position)),
        `${keyOf(position)} is lost for ${cursor}`,
      );
    }
    assertInOrder([...got], expected, model, cursor);
    for (const { position } of found)
      real.drain.ack(cursor, position.epoch, [[position.sequence, position.sequence]]);
  }
  const floor = real.drain.floor();
  assert.ok(
    floor.epoch === model.epoch ? floor.sequence === model.next : false,
    `the floor is ${keyOf(floor)}, not ${model.epoch}:${model.next}`,
  );
  await real.drain.checkpoint(true);
  while (real.hot.collect());
  assert.equal(real.drain.statistics().cursors['a']?.batches, 0);
}

function drainFloorBefore(drain: QueueDrain, cursor: string): Position {
  const { epoch, sequence } = drain.floor(cursor);
  return { epoch, sequence: sequence - 1 };
}

const RUNS = Number(process.env['K2HFT_QUEUE_MODEL_RUNS'] ?? 30);

const commands = fc.commands(
  [
    fc
      .tuple(
        fc.array(fc.oneof(fc.nat(300), fc.nat(60_000)), { minLength: 1, maxLength: 5 }),
        fc.constantFrom('h1', 'n2'),
        fc.boolean(),
      )
      .map(([sizes, row, old]) => new Append(sizes, row, old)),
    fc
      .tuple(fc.constantFrom(...CURSORS), fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 3 }))
      .map(([c, n, k]) => new ReadAndAck(c, n, k)),
    fc.boolean().map((requested) => new Checkpoint(requested)),
    fc.constant(new Rows()),
    fc.constant(new Collect()),
    fc.nat(100_000).map((bytes) => new DropOldest(bytes)),
    fc.constant(new RestartWorker()),
    fc.boolean().map((killed) => new RestartDrain(killed)),
    fc.constant(new PowerLoss()),
  ],
  { maxCommands: 40, size: '+1' },
);

test('whatever is done, every batch is delivered, in order, unless it was given up', async () => {
  await fc.assert(
    fc.asyncProperty(commands, fc.constantFrom(0, OLD_MS / 2), async (list, expireMs) => {
      const dir = mkdtempSync(join(tmpdir(), 'k2hft-test-'));
      const hot = openHot(dir, { expireMs }, bootId(1));
      const model: Model = {
        epoch: hot.epoch,
        next: 1,
        boot: 1,
        batches: [],
        acked: new Map(CURSORS.map((cursor) => [cursor, new Set()])),
        given: new Set(),
        rows: new Map(),
      };
      const real: Real = { dir, hot, drain: await openModelDrain(model, { dir, expireMs }), expireMs };
      try {
        await fc.asyncModelRun(() => ({ model, real }), list);
        await finish(model, real);
      } finally {
        await real.drain.abandon();
        real.hot.close();
        rmSync(dir, { recursive: true, force: true });
      }
    }),
    { numRuns: RUNS, includeErrorInReport: true },
  );
});

test('an append that does not follow the last one is refused', () => {
  const dir = mkdtempSync(join(tmpdir(), 'k2hft-test-'));
  const hot = openHot(dir);
  assert.throws(() => {
    hot.append([{ sequence: 2, bytes: makeBatch({ sequence: 2 }) }]);
  }, /in sequence/);
  assert.equal(new QueueError('io', '').code, 'io');
  hot.close();
  rmSync(dir, { recursive: true });
});
