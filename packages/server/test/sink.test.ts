import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { loadServerSettings, type ServerSettings } from '@k2hft/config';
import { temporaryFolder, undoAtEnd, waitUntil } from '@k2hft/test-harness';
import { decodeBatch, type Batch } from '@k2hft/wire';
import { Applier } from '../src/applier.js';
import { ServerError } from '../src/errors.js';
import type { Position } from '../src/positions.js';
import { Service } from '../src/service.js';
import type { Sink, SinkWait } from '../src/sink.js';
import { State } from '../src/state.js';
import { configurationOf } from './server-process.js';
import { makeBatch, SOURCE_A, SourceClient } from './source-client.js';

/** Keeps what it is given; `save` waits for `hold`. */
class MemorySink implements Sink {
  readonly taken: string[] = [];
  readonly saved: string[] = [];
  readonly floors: Position[] = [];
  waitingBytes = 0;
  refused: string | undefined;
  hold: ((wait: SinkWait) => Promise<void>) | undefined;
  saves = 0;
  isClosed = false;

  admit(batch: Batch): void {
    if (this.refused !== undefined && batch.payload.toString() === this.refused)
      throw new ServerError('unsupported', 'this one is not wanted');
  }

  take(batch: Batch, source: string): void {
    assert.equal(source, SOURCE_A);
    this.taken.push(batch.payload.toString());
  }

  async save(wait: SinkWait): Promise<void> {
    this.saves++;
    const upTo = this.taken.length;
    await this.hold?.(wait);
    this.saved.push(...this.taken.slice(this.saved.length, upTo));
  }

  raiseFloor(_source: string, { epoch, sequence }: Position): void {
    this.floors.push({ epoch, sequence });
  }

  close(): Promise<void> {
    this.isClosed = true;
    return Promise.resolve();
  }
}

function settingsIn(folder: string): ServerSettings {
  return loadServerSettings({ json: configurationOf({ folder }) });
}

async function serve(
  context: TestContext,
  sink: Sink,
): Promise<{ service: Service; folder: string; stop: () => Promise<void> }> {
  const folder = temporaryFolder(context);
  const service = await Service.start({
    settings: settingsIn(folder),
    software: 'test',
    log: () => undefined,
    signal: new AbortController().signal,
    openSinks: () => Promise.resolve([sink]),
  });
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => (stopped ??= service.stop());
  undoAtEnd(context, stop);
  return { service, folder, stop };
}

test('a batch goes to the files and to the sink, and is acknowledged when both have it', async (context) => {
  const sink = new MemorySink();
  let release: () => void = () => undefined;
  sink.hold = () =>
    new Promise((resolve) => {
      release = resolve;
    });
  const { service, folder } = await serve(context, sink);
  const client = await SourceClient.connect(service.url);
  client.send({ sequence: 1, payload: 'one\n' });
  await waitUntil('the save', () => sink.saves === 1);
  assert.equal(readFileSync(join(folder, 'output/a.log'), 'utf8'), 'one\n');
  assert.equal(client.acknowledged.size, 0);
  sink.hold = undefined;
  release();
  await client.acknowledges(1);
  assert.deepEqual(sink.saved, ['one\n']);
  await client.deliver(1, { payload: 'one\n' });
  assert.deepEqual(sink.taken, ['one\n'], 'what the server has applied is not taken again');
});

test('a sink that waits is heard of by the sources, and does not keep the server from ending', async (context) => {
  const sink = new MemorySink();
  const { service, stop } = await serve(context, sink);
  const client = await SourceClient.connect(service.url);
  sink.hold = ({ signal, blocked }) => {
    blocked('there is no room in the sink');
    return new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => {
        reject(new Error('aborted'));
      });
    });
  };
  client.send({ sequence: 1, payload: 'one\n' });
  await client.told('full');
  assert.equal(client.messages('status').at(-1)?.reason, 'there is no room in the sink');
  await stop();
  assert.equal(client.acknowledged.size, 0);
  assert.ok(sink.isClosed);
});

test('when a blocked sink goes on, so do the sources', async (context) => {
  const sink = new MemorySink();
  let release: () => void = () => undefined;
  sink.hold = ({ blocked }) => {
    blocked('full');
    return new Promise((resolve) => {
      release = resolve;
    });
  };
  const { service } = await serve(context, sink);
  const client = await SourceClient.connect(service.url);
  client.send({ sequence: 1, payload: 'one\n' });
  await client.told('full');
  sink.hold = undefined;
  release();
  await client.acknowledges(1);
  await client.told('accepting');
});

test('a sink that holds too much closes the gate until it holds less', async (context) => {
  const sink = new MemorySink();
  const { service } = await serve(context, sink);
  const client = await SourceClient.connect(service.url);
  sink.waitingBytes = 2 ** 30;
  await client.deliver(1, { payload: 'one\n' });
  assert.equal(service.isGateOpen, false);
  sink.waitingBytes = 0;
  await waitUntil('the gate', () => service.isGateOpen);
  await client.deliver(2, { payload: 'two\n' });
});

test('a batch that the sink does not admit is refused, and nothing has it', async (context) => {
  const sink = new MemorySink();
  const { service, folder } = await serve(context, sink);
  const client = await SourceClient.connect(service.url);
  sink.refused = 'bad\n';
  client.send({ sequence: 1, payload: 'good\n' }, { sequence: 2, payload: 'bad\n' });
  assert.equal(await client.closed(), 1008);
  assert.equal(client.messages('error').at(-1)?.message, 'this one is not wanted');
  assert.ok(client.acknowledged.has('1/1'), 'what was taken before is acknowledged before it is refused');
  assert.deepEqual(sink.taken, ['good\n']);
  sink.refused = undefined;
  const renewed = await SourceClient.connect(service.url);
  await renewed.deliver(1, { payload: 'good\n' }, { payload: 'bad\n' });
  assert.equal(readFileSync(join(folder, 'output/a.log'), 'utf8'), 'good\nbad\n');
});

test('a sink is told how far a source will not come again', async (context) => {
  const sink = new MemorySink();
  const { service } = await serve(context, sink);
  const client = await SourceClient.connect(service.url);
  client.tell({ type: 'floor', epoch: 3, sequence: 4 });
  await waitUntil('the floor', () => sink.floors.length > 0);
  assert.deepEqual(sink.floors, [{ epoch: 3, sequence: 4 }]);
});

test('without output files there are only the sinks', async (context) => {
  const folder = temporaryFolder(context);
  const state = new State(folder, true);
  undoAtEnd(context, () => state.close());
  const sink = new MemorySink();
  const applier = new Applier({
    output: undefined,
    sinks: [sink],
    state,
    stateDirectory: folder,
    log: () => undefined,
    gate: () => undefined,
    blocked: () => undefined,
    fault: (error) => {
      throw error;
    },
  });
  let count = 0;
  const source = applier.join(SOURCE_A);
  const receiver = {
    source,
    acknowledge: () => {
      count++;
    },
  };
  for (const payload of ['one\n', ''])
    applier.accept(receiver, decodeBatch(makeBatch({ sequence: payload.length + 1, payload }), 0));
  applier.flush();
  await waitUntil('the acknowledgement', () => count > 0);
  assert.deepEqual(sink.saved, ['one\n', '']);
  await applier.close();
  assert.ok(state.applied(SOURCE_A).has({ epoch: 1, sequence: 5 }));
});
