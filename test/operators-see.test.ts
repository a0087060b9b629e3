import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  lintScrape,
  parseScrape,
  startMount,
  startServer,
  temporaryFolder,
  waitUntil,
  whyNoMounts,
  type Cleanup,
  type Scrape,
} from '@k2hft/test-harness';
import { pipelineOf, shell, type Pipeline } from './pipeline.js';

const skip = whyNoMounts() ?? false;
const ADMIN = { listen: '127.0.0.1:0', unhealthy_after: '1s' };

interface Asked {
  status: number;
  text: string;
}

interface Seen {
  ask: (path: string) => Promise<Asked>;
  scrape: () => Promise<Scrape>;
}

/** The port for operators of a process that was started with {@link ADMIN}. */
function adminOf(of: { output(): string }): Seen {
  const [, url = ''] = /admin: (http:\S+)/.exec(of.output()) ?? [];
  const ask = async (path: string): Promise<Asked> => {
    const response = await fetch(url + path);
    return { status: response.status, text: await response.text() };
  };
  return { ask, scrape: async (): Promise<Scrape> => parseScrape((await ask('/metrics')).text) };
}

async function startSeen(t: Cleanup): Promise<Pipeline & { seen: Seen; restartServer: () => Promise<void> }> {
  const folder = temporaryFolder(t);
  const serverOptions = { folder: join(folder, 'server'), settings: { admin: ADMIN } };
  const server = await startServer(t, serverOptions);
  const source = join(folder, 'source');
  const mount = await startMount(t, {
    folder: source,
    urls: [server.url],
    rules: [{ path: 'filtered.log', deny: ['secret'] }, { path: '**' }],
    settings: { admin: { socket: join(source, 'status.sock'), ...ADMIN } },
  });
  await waitUntil('the admin port of the mount', () => mount.process.output().includes('admin: http'));
  const restartServer = async () => {
    await startServer(t, { ...serverOptions, port: Number(new URL(server.url).port) });
  };
  return Object.assign(pipelineOf(folder, server, mount), { restartServer, seen: adminOf(mount.process) });
}

void test('both ends show what was written, under names that follow the conventions', { skip }, async (t) => {
  const pipeline = await startSeen(t);
  shell(
    `printf 'one\\ntwo\\n' > ${pipeline.inside('a.log')}; printf 'secret\\nopen\\n' > ${pipeline.inside('filtered.log')}`,
  );
  shell(`printf 'three\\n' > ${pipeline.inside('b.log')}; sync ${pipeline.inside('b.log')}`);
  await pipeline.delivered();
  let scrape = await pipeline.seen.scrape();
  await waitUntil("the worker's report", async () => {
    scrape = await pipeline.seen.scrape();
    return (
      scrape.count('k2hft_capture_writes_total') > 0 && scrape.value('k2hft_capture_records_total') === 4
    );
  });
  lintScrape(scrape);
  assert.equal(scrape.value('k2hft_capture_dropped_records_total', { reason: 'filter' }), 1);
  assert.equal(scrape.value('k2hft_queue_batches', { cursor: 'any' }), 0);
  assert.equal(scrape.value('k2hft_queue_oldest_age_seconds', { cursor: 'any' }), 0);
  assert.equal(scrape.value('k2hft_forward_state', { state: 'up' }), 1);
  assert.equal(scrape.value('k2hft_forward_acked_records_total'), 4);
  assert.equal(scrape.value('k2hft_process_restarts_total', { process: 'worker' }), 0);
  assert.equal(scrape.value('k2hft_fuse_operations_total', { operation: 'write' }), 3);
  const duration = 'k2hft_fuse_operation_duration_seconds_count';
  assert.equal(scrape.value(duration, { operation: 'write' }), 3);
  assert.equal(scrape.value(duration, { operation: 'fsync' }), 1);
  const ofServer = await adminOf(pipeline.server.process).scrape();
  lintScrape(ofServer);
  assert.equal(ofServer.value('k2hft_server_received_records_total'), 4);
  assert.equal(ofServer.value('k2hft_server_sources'), 1);
});

void test('health follows what is not delivered, and comes back', { skip }, async (t) => {
  const pipeline = await startSeen(t);
  shell(`echo one > ${pipeline.inside('a.log')}`);
  await pipeline.delivered();
  assert.deepEqual(await pipeline.seen.ask('/healthz'), {
    status: 200,
    text: 'what is written is delivered\n',
  });
  await pipeline.server.stop();
  shell(`echo two >> ${pipeline.inside('a.log')}`);
  await waitUntil('it is unhealthy', async () => (await pipeline.seen.ask('/healthz')).status === 503);
  assert.match(
    (await pipeline.seen.ask('/healthz')).text,
    /^records of \d+ s ago are not delivered to "any"$/m,
  );
  // What is written is still taken.
  assert.deepEqual(await pipeline.seen.ask('/readyz'), { status: 200, text: 'what is written is queued\n' });
  await pipeline.restartServer();
  await waitUntil('it is healthy again', async () => (await pipeline.seen.ask('/healthz')).status === 200);
  const { worker = 0 } = pipeline.mount.status().processes;
  process.kill(worker, 'SIGKILL');
  await waitUntil('the restart is counted', async () => {
    const scrape = await pipeline.seen.scrape();
    return scrape.value('k2hft_process_restarts_total', { process: 'worker' }) === 1;
  });
  assert.equal((await pipeline.seen.ask('/healthz')).status, 200);
});

void test('a mount whose worker hangs is unhealthy until it is replaced', { skip }, async (t) => {
  const pipeline = await startSeen(t);
  const { worker = 0 } = pipeline.mount.status().processes;
  process.kill(worker, 'SIGSTOP');
  await waitUntil('it is unhealthy', async () => (await pipeline.seen.ask('/healthz')).status === 503);
  assert.match((await pipeline.seen.ask('/healthz')).text, /the mount has not answered for \d+ s/);
  assert.equal((await pipeline.seen.ask('/readyz')).status, 503);
  await waitUntil('it is healthy again', async () => (await pipeline.seen.ask('/healthz')).status === 200);
});
