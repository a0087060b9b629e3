import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { sleep, waitUntil } from '@k2hft/test-harness';
import type { ForwarderServers } from '../src/index.js';
import { heaviest } from '../src/partition.js';
import { MemoryQueue } from './helpers/memory-queue.js';
import { settings, startForwarder, type TestForwarder } from './helpers/start-forwarder.js';
import { TestServer } from './helpers/test-server.js';

/** So many that each of three servers has some, whatever their ports are. */
const FILES = Array.from({ length: 60 }, (_, index) => `${index}.log`);

/** Three servers and a queue with lines `FILE NUMBER` of sixty files in turn. */
class Scene {
  readonly queue = new MemoryQueue();
  readonly lines: string[] = [];
  running!: TestForwarder;

  private constructor(readonly servers: readonly [TestServer, TestServer, TestServer]) {}

  static async start(t: TestContext, changed: Partial<ForwarderServers> = {}): Promise<Scene> {
    const scene = new Scene([
      await TestServer.start(t),
      await TestServer.start(t),
      await TestServer.start(t),
    ]);
    scene.append(240);
    scene.running = startForwarder(t, scene.queue, settings(scene.urls, { deliver: 'hash', ...changed }));
    return scene;
  }

  get urls(): string[] {
    return this.servers.map((server) => server.url);
  }

  append(count: number): void {
    for (let index = 0; index < count; index++) {
      const file = this.lines.length % FILES.length;
      const line = `${FILES[file]} ${this.lines.length}`;
      this.lines.push(line);
      this.queue.append(line, { path: FILES[file] ?? '', stream: file + 1 });
    }
  }

  more(count: number): void {
    this.append(count);
    this.running.forwarder.noticed();
  }

  async delivered(): Promise<void> {
    await waitUntil('all are acknowledged', () => this.queue.emptyFor('any'));
  }

  /** Each line is at a server, and each server has each file's lines in ascending order. */
  verify(doubledMax = 0): void {
    const all = this.servers.flatMap((server) => server.applied);
    assert.deepEqual([...new Set(all)].sort(), [...this.lines].sort());
    assert(all.length - this.lines.length <= doubledMax, `${all.length - this.lines.length} are doubled`);
    for (const { applied } of this.servers) {
      for (const file of FILES) {
        const numbers = applied.filter((line) => line.startsWith(`${file} `)).map(numberOf);
        assert.deepEqual(
          numbers,
          [...numbers].sort((a, b) => a - b),
        );
      }
    }
  }
}

function numberOf(line: string): number {
  return Number(line.split(' ')[1]);
}

test('hash: every file has its server', async (t) => {
  const scene = await Scene.start(t);
  await scene.delivered();
  scene.verify();
  for (const { url, applied } of scene.servers) {
    const expected = scene.lines.filter((line) => heaviest(scene.urls, line.split(' ')[0] ?? '') === url);
    assert.deepEqual(applied, expected);
    assert(applied.length > 0);
  }
});

test('random: every open file stays with one server, and all get some', async (t) => {
  const scene = await Scene.start(t, { deliver: 'random' });
  await scene.delivered();
  scene.verify();
  for (const { applied } of scene.servers) assert(applied.length > 0);
});

test('a server without anything in flight is left at once, and gets only its share back', async (t) => {
  const scene = await Scene.start(t);
  await scene.delivered();
  const [first, second, third] = scene.servers;
  const before = [second.applied.length, third.applied.length];
  await first.stop();
  await waitUntil('the loss is noticed', () => scene.running.forwarder.status()[0]?.state === 'down');
  scene.more(240);
  await scene.delivered();
  scene.verify();
  // What was theirs is theirs still: each has at least as much as the first time, in the second half too.
  assert(second.applied.length >= 2 * (before[0] ?? 0));
  assert(third.applied.length >= 2 * (before[1] ?? 0));
  const [firstBefore, secondBefore] = [first.applied.length, second.applied.length];
  await first.listen();
  await waitUntil('it is back', () => scene.running.forwarder.status()[0]?.state === 'up');
  scene.more(240);
  await scene.delivered();
  scene.verify();
  assert.equal(first.applied.length, 2 * firstBefore);
  assert.equal(second.applied.length - secondBefore, before[0]);
  assert.equal(scene.running.forwarder.handedOver(), 0);
});

test('batches in flight wait for their server, and the others go on', async (t) => {
  const scene = await Scene.start(t);
  await scene.delivered();
  const [first, second, third] = scene.servers;
  first.acknowledge = false;
  scene.more(240);
  await waitUntil('it has its share', () => first.unacknowledged > 0);
  const others = scene.lines.filter((line) => heaviest(scene.urls, line.split(' ')[0] ?? '') !== first.url);
  await waitUntil(
    'the others have theirs',
    () => second.applied.length + third.applied.length === others.length,
  );
  await first.stop();
  const [secondBefore, thirdBefore] = [second.applied.length, third.applied.length];
  scene.more(240);
  await waitUntil(
    'the others go on',
    () => second.applied.length > secondBefore && third.applied.length > thirdBefore,
  );
  await sleep(50);
  assert.equal(scene.queue.emptyFor('any'), false);
  first.acknowledge = true;
  await first.listen();
  await scene.delivered();
  scene.verify();
  assert.equal(scene.running.forwarder.handedOver(), 0);
});

test('after failover_after the others get its share, in order, and what may be doubled is counted', async (t) => {
  const scene = await Scene.start(t, { failoverAfterMs: 150 });
  await scene.delivered();
  const [first] = scene.servers;
  first.acknowledge = false;
  scene.more(240);
  await waitUntil('it has its share', () => first.unacknowledged > 0);
  const unacknowledged = first.unacknowledged;
  await first.stop();
  scene.more(240);
  await scene.delivered();
  const handedOver = scene.running.forwarder.handedOver();
  assert(handedOver >= unacknowledged);
  scene.verify(handedOver);
  first.acknowledge = true;
  await first.listen();
  await waitUntil('it is back', () => scene.running.forwarder.status()[0]?.state === 'up');
  scene.more(400);
  await scene.delivered();
  scene.verify(handedOver);
});

test('a server whose disk is full loses its share after failover_after', async (t) => {
  const scene = await Scene.start(t, { failoverAfterMs: 100 });
  await scene.delivered();
  const [first] = scene.servers;
  first.acknowledge = false;
  first.tell({ type: 'status', state: 'full', reason: 'no room' });
  scene.more(240);
  await scene.delivered();
  scene.verify(scene.running.forwarder.handedOver());
});

test('servers that come and go lose nothing and keep the order', async (t) => {
  const scene = await Scene.start(t, {});
  for (let round = 0; round < 12; round++) {
    const server = scene.servers[round % 3];
    await server?.stop();
    scene.more(100);
    await sleep(20);
    await server?.listen();
  }
  scene.more(1);
  await scene.delivered();
  scene.verify();
});

test('with all servers away everything waits', async (t) => {
  const scene = await Scene.start(t, { failoverAfterMs: 50 });
  await scene.delivered();
  for (const server of scene.servers) await server.stop();
  scene.more(100);
  await sleep(150);
  await scene.servers[1].listen();
  await scene.delivered();
  scene.verify(scene.running.forwarder.handedOver());
});

test('a server that comes back again and again and acknowledges nothing loses its share', async (t) => {
  const scene = await Scene.start(t, { failoverAfterMs: 300 });
  await scene.delivered();
  const [first] = scene.servers;
  first.acknowledge = false;
  scene.more(240);
  await waitUntil('it has its share', () => first.unacknowledged > 0);
  await waitUntil('the others have it', () => {
    if (scene.running.forwarder.status()[0]?.state === 'up') first.dropConnections();
    return scene.queue.emptyFor('any');
  });
  scene.verify(scene.running.forwarder.handedOver());
});
