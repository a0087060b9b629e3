import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { ServerSettings } from '@k2hft/config';
import { temporaryFolder, undoAtEnd, waitUntil } from '@k2hft/test-harness';
import { OutputFile } from '../src/output-file.js';
import { Service } from '../src/service.js';
import { SourceClient } from './source-client.js';

function settingsIn(folder: string): ServerSettings {
  return {
    listen: 'ws://127.0.0.1:0',
    tls: undefined,
    tokensFile: undefined,
    maxConnections: 10,
    limits: { bytesPerSecond: 0, streams: 100_000, handshakeTimeoutMs: 10_000, idleTimeoutMs: 60_000 },
    stateDir: join(folder, 'state'),
    output: {
      dir: join(folder, 'output'),
      path: '{path}',
      format: '%L',
      timeFormat: '%F',
      mode: 0o640,
      fsync: { gatherMs: 50 },
      rotate: undefined,
      plugin: undefined,
      pluginStdout: 'discard',
    },
    relay: undefined,
    admin: { listen: undefined, unhealthyAfterMs: 300_000 },
    log: { level: 'info', format: 'text' },
    shutdownTimeoutMs: 1000,
  };
}

async function serve(context: TestContext): Promise<{ service: Service; log: string; logged: string[] }> {
  const folder = temporaryFolder(context);
  const logged: string[] = [];
  const service = await Service.start({
    settings: settingsIn(folder),
    software: 'test',
    log: (_level, message) => logged.push(message),
    signal: new AbortController().signal,
  });
  undoAtEnd(context, () => service.stop());
  return { service, log: join(folder, 'output/a.log'), logged };
}

function failing(code: string): () => Promise<void> {
  return () => Promise.reject(Object.assign(new Error(`${code}: test`), { code }));
}

test('a disk that cannot keep what it took is cut back, and the sources send again', async (context) => {
  const { service, log, logged } = await serve(context);
  const client = await SourceClient.connect(service.url);
  await client.deliver(1, { payload: 'one\n' });
  context.mock.method(OutputFile.prototype, 'sync', failing('ENOSPC'), { times: 1 });
  client.send({ sequence: 2, payload: 'two\n' });
  assert.equal(await client.closed(), 1006);
  assert.ok(!client.acknowledged.has('1/2'));
  await waitUntil('the cut', () => readFileSync(log, 'utf8') === 'one\n');
  const renewed = await SourceClient.connect(service.url);
  await renewed.deliver(2, { payload: 'two\n' });
  assert.equal(readFileSync(log, 'utf8'), 'one\ntwo\n');
  assert.ok(logged.some((line) => line.includes('fdatasync of a.log failed: ENOSPC')));
});

test('a disk that fails ends the service, and nothing is acknowledged', async (context) => {
  const { service } = await serve(context);
  const client = await SourceClient.connect(service.url);
  context.mock.method(OutputFile.prototype, 'sync', failing('EIO'));
  client.send({ sequence: 1, payload: 'one\n' });
  await assert.rejects(service.failed, { code: 'sync_failed' });
  assert.equal(client.acknowledged.size, 0);
});

test('a group is acknowledged with what was written when it was closed, not with what came after', async (context) => {
  const { service, log } = await serve(context);
  const client = await SourceClient.connect(service.url);
  await client.deliver(1, { payload: 'first\n' });
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const sync = context.mock.method(OutputFile.prototype, 'sync', () => held, { times: 1 });
  client.send({ sequence: 2, payload: 'second\n' });
  await waitUntil('the sync of the group', () => sync.mock.callCount() > 0);
  client.send({ sequence: 3, payload: 'third\n' });
  // Readers see it at once, but it is not safe before a sync of its own.
  await waitUntil('the append', () => readFileSync(log, 'utf8').endsWith('third\n'));
  assert.ok(!client.acknowledged.has('1/2'));
  release();
  await client.acknowledges(2);
  assert.ok(
    !client.messages('ack').some(({ ranges }) => ranges.some(([first, last]) => first <= 2 && last >= 3)),
  );
  await client.acknowledges(3);
});
