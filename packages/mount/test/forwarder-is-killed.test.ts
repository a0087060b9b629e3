import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { listQueue } from '@k2hft/queue';
import { startServer, temporaryFolder, undoAtEnd } from '@k2hft/test-harness';
import { inspectBatch } from '@k2hft/wire';
import { KilledForwarder } from './killed-forwarder.js';

const SENT = 'sent.log';
/** Sent as well. */
const FED = 'fed.log';
/** Not sent. */
const LOCAL = 'local.log';
const PATHS = [SENT, FED, LOCAL];

function textOf(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

/** What each process of a plugin has got: whole lines without a gap, as they were written. */
function assertFed(parts: readonly string[], written: string): void {
  for (const part of parts)
    assert.ok(written.startsWith(part) || written.includes(`\n${part}`), `a plugin got ${part}`);
}

function hasAll(parts: readonly string[], written: string): boolean {
  return written.split(/(?<=\n)/).every((line) => parts.some((part) => part.includes(line)));
}

/** A way to the server that leads nowhere until it is opened. */
async function closedRoad(context: TestContext, url: string): Promise<{ url: string; open: () => void }> {
  let isOpen = false;
  const road = createServer((near) => {
    near.on('error', () => undefined);
    if (!isOpen) {
      near.destroy();
      return;
    }
    const far = connect(Number(new URL(url).port), '127.0.0.1');
    far.on('error', () => near.destroy()).on('close', () => near.destroy());
    near.on('close', () => far.destroy());
    near.pipe(far).pipe(near);
  });
  road.listen(0, '127.0.0.1');
  await once(road, 'listening');
  undoAtEnd(context, () => {
    road.close();
  });
  const { port } = road.address() as AddressInfo;
  return {
    url: `ws://127.0.0.1:${port}`,
    open: () => {
      isOpen = true;
    },
  };
}

test('at whatever step a forwarder is killed, servers get each line once and plugins at least once, in order', async (context) => {
  const folder = temporaryFolder(context);
  const serverFolder = join(folder, 'server');
  const server = await startServer(context, { folder: serverFolder, output: { fsync: 'always' } });
  const road = await closedRoad(context, server.url);
  const fedFolder = (path: string) => join(folder, `to-${path}`);
  const pluginOf = (path: string) => {
    mkdirSync(fedFolder(path));
    // Each process writes a file of its own; in a configuration, $ is written twice.
    return ['sh', '-c', `exec cat > ${fedFolder(path)}/$$$$`];
  };
  const forwarder = new KilledForwarder(context, folder, {
    servers: { urls: [road.url], linger: '0ms' },
    rules: [
      { path: FED, plugin: pluginOf(FED) },
      { path: LOCAL, plugin: pluginOf(LOCAL), send: 'no' },
      { path: '**' },
    ],
  });
  const fed = (path: string) =>
    readdirSync(fedFolder(path)).map((name) => textOf(join(fedFolder(path), name)));
  const arrived = (path: string) => textOf(join(serverFolder, 'output', path));
  const isFed = () => [FED, LOCAL].every((path) => hasAll(fed(path), forwarder.written(path)));
  const check = () => {
    for (const path of [FED, LOCAL]) assertFed(fed(path), forwarder.written(path));
    for (const path of [SENT, FED])
      assert.ok(forwarder.written(path).startsWith(arrived(path)), `${path}: ${arrived(path)}`);
  };

  // What is to be sent stays in the queue for now.
  const withoutServer = await forwarder.run(() => {
    forwarder.write(...PATHS);
    const isDurable = forwarder.checkpoint();
    return () => isDurable() && isFed();
  }, check);
  road.open();
  const withServer = await forwarder.run(() => {
    forwarder.write(...PATHS);
    const isSent = () => [SENT, FED].every((path) => arrived(path).length >= forwarder.written(path).length);
    return () => isSent() && isFed();
  }, check);

  for (const path of [SENT, FED]) assert.equal(arrived(path), forwarder.written(path));
  assert.equal(arrived(LOCAL), '');
  forwarder.close();
  const { hot, store, lost } = listQueue(forwarder.queueDir, inspectBatch);
  assert.deepEqual([hot.batches, store.batches, lost], [0, 0, {}]);
  for (const kills of [withoutServer, withServer])
    context.diagnostic(`${kills.length} kills, before: ${kills.join(', ')}`);
});
