import { strict as assert } from 'node:assert';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { freePort, sleep, temporaryFolder, waitUntil } from '@k2hft/test-harness';
import { startServer, type RunningServer } from './server-process.js';
import { fill, smallDisk } from './small-disk.js';
import { SourceClient } from './source-client.js';

const COUNT = 300;
const PAYLOADS = Array.from({ length: COUNT }, (_, index) => `${String(index).padEnd(99_999, '.')}\n`);

function startRelay(
  context: TestContext,
  folder: string,
  queueDir: string,
  url: string,
  port = 0,
): Promise<RunningServer> {
  const queue = { dir: queueDir, min_free: '2MiB' };
  const relay = { queue, servers: { urls: [url] } };
  return startServer(context, { folder, port, noOutput: true, top: { relay, shutdown_timeout: '5s' } });
}

function sendAll(client: SourceClient): void {
  for (const [index, payload] of PAYLOADS.entries()) client.send({ sequence: index + 1, payload });
}

test("a full disk below a relay's queue stops its sources, and loses and doubles nothing", async (context) => {
  const disk = smallDisk(context, 24);
  if (disk === undefined) return;
  const folder = temporaryFolder(context);
  const end = await startServer(context, { folder: join(folder, 'end'), port: await freePort() });
  end.child.kill('SIGKILL');
  await end.ended;
  const relay = await startRelay(context, join(folder, 'relay'), join(disk, 'queue'), end.url);
  const port = Number(new URL(relay.url).port);
  const client = await SourceClient.connect(relay.url);
  sendAll(client);
  await client.told('full');
  assert.match(client.messages('status').at(-1)?.reason ?? '', /relay's queue/);
  // Somebody else takes what was left.
  const filler = fill(disk, 100_000);
  await sleep(1500);
  assert.equal([...relay.output().matchAll(/nothing more is taken/g)].length, 1);
  relay.child.kill('SIGTERM');
  assert.equal(await relay.ended, 0, relay.output());
  rmSync(filler);
  const again = await startRelay(context, join(folder, 'relay'), join(disk, 'queue'), end.url, port);
  const renewed = await SourceClient.connect(again.url);
  sendAll(renewed);
  await renewed.told('full');
  again.child.kill('SIGKILL');
  await again.ended;
  const third = await startRelay(context, join(folder, 'relay'), join(disk, 'queue'), end.url, port);
  const last = await SourceClient.connect(third.url);
  sendAll(last);
  await startServer(context, { folder: join(folder, 'end'), port: Number(new URL(end.url).port) });
  const file = join(end.outputFolder, 'a.log');
  const expected = PAYLOADS.join('');
  await waitUntil('all arrives', () => existsSync(file) && readFileSync(file).length >= expected.length);
  await sleep(300);
  assert.ok(readFileSync(file, 'utf8') === expected);
  for (let sequence = 1; sequence <= COUNT; sequence++) await last.acknowledges(sequence);
});
