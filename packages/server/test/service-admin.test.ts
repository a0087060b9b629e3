import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { lintScrape, parseScrape, temporaryFolder, waitUntil } from '@k2hft/test-harness';
import type { ServiceStatus } from '../src/service-status.js';
import { startServer } from './server-process.js';
import { SourceClient } from './source-client.js';

async function startObserved(context: TestContext, top: Record<string, unknown> = {}) {
  const server = await startServer(context, {
    folder: temporaryFolder(context),
    top: { admin: { listen: '127.0.0.1:0' }, ...top },
  });
  const [, admin = ''] = /admin: (http:\S+)/.exec(server.output()) ?? [];
  const scrape = async () => {
    const response = await fetch(`${admin}/metrics`);
    assert.match(response.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
    return parseScrape(await response.text());
  };
  const status = async () => (await (await fetch(`${admin}/status`)).json()) as ServiceStatus;
  return { ...server, admin, scrape, status };
}

test('what arrives is in the metrics, once, under names that follow the conventions', async (context) => {
  const { url, scrape } = await startObserved(context);
  const before = await scrape();
  lintScrape(before);
  assert.equal(before.value('k2hft_server_received_batches_total'), 0);
  const client = await SourceClient.connect(url);
  client.send(
    { sequence: 1, payload: 'one\n', path: 'a.log' },
    { sequence: 2, payload: 'two\nthree\n', path: 'b.log', recordCount: 2 },
  );
  await client.acknowledges(2);
  await client.acknowledges(1);
  await client.deliver(2, { payload: 'two\nthree\n' });
  const after = await scrape();
  lintScrape(after);
  assert.equal(after.value('k2hft_server_connections'), 1);
  assert.equal(after.value('k2hft_server_sources'), 1);
  assert.equal(after.value('k2hft_server_open_files'), 2);
  assert.equal(after.value('k2hft_server_received_batches_total'), 2);
  assert.equal(after.value('k2hft_server_received_records_total'), 3);
  assert.equal(after.value('k2hft_server_repeated_batches_total'), 1);
  assert.equal(after.value('k2hft_server_appended_bytes_total'), 14);
  assert.equal(after.value('k2hft_server_blocked', { cause: 'output' }), 0);
  assert.ok(after.value('k2hft_server_fsync_duration_seconds_count') >= 2);
  assert.ok(after.value('k2hft_server_commit_duration_seconds_count') >= 1);
  assert.ok(after.value('k2hft_server_group_batches_count') >= 1);
  assert.equal(after.value('k2hft_server_lag_seconds_count'), 2);
  assert.equal(after.value('k2hft_server_unsafe_bytes'), 0);
});

test('the status tells of sources and files, and of what went wrong', async (context) => {
  const { url, status } = await startObserved(context);
  const client = await SourceClient.connect(url);
  await client.deliver(1, { payload: 'one\n', path: 'ä\u009b.log' });
  await client.deliver(2, { payload: 'x\n', path: '../up' });
  const { sources, files, totals, complaints, connections } = await status();
  assert.equal(sources.length, 1);
  assert.equal(sources[0]?.connections, 1);
  assert.equal(sources[0].batches, 2);
  assert.deepEqual(
    files.map(({ name, bytes }) => [name, bytes]).find(([name]) => name === 'ä\\x9b.log'),
    ['ä\\x9b.log', 4],
  );
  assert.equal(totals.quarantined, 1);
  assert.match(complaints[0]?.message ?? '', /refused to write/);
  assert.equal(connections.open, 1);
  client.socket.close();
  await waitUntil(
    'the connection is not counted any more',
    async () => (await status()).connections.open === 0,
  );
  assert.equal((await status()).sources[0]?.connections, 0);
});

test('a server that works is healthy and ready', async (context) => {
  const { admin } = await startObserved(context);
  for (const path of ['/healthz', '/readyz']) assert.equal((await fetch(admin + path)).status, 200, path);
});

test('a relay shows its queue and its servers', async (context) => {
  const folder = temporaryFolder(context);
  const { url, scrape, admin } = await startObserved(context, {
    relay: { queue: { dir: `${folder}/queue` }, servers: { urls: ['ws://127.0.0.1:9/?key=secret'] } },
    admin: { listen: '127.0.0.1:0', unhealthy_after: '1s' },
  });
  const client = await SourceClient.connect(url);
  await client.deliver(1, { payload: 'one\n' });
  const metrics = await scrape();
  lintScrape(metrics);
  assert.equal(metrics.value('k2hft_queue_batches', { cursor: 'any' }), 1);
  const server = 'ws://127.0.0.1:9/';
  assert.equal(metrics.value('k2hft_forward_state', { server, state: 'up' }), 0);
  await waitUntil(
    'it failed',
    async () => (await scrape()).value('k2hft_forward_failures_total', { server }) > 0,
  );
  await waitUntil('its queue is too old', async () => {
    const response = await fetch(`${admin}/healthz`);
    return (
      response.status === 503 && /the relay's queue has records of \d+ s ago/.test(await response.text())
    );
  });
  for (const path of ['/metrics', '/status'])
    assert.doesNotMatch(await (await fetch(admin + path)).text(), /secret/, path);
});

test('an address that is taken ends the server with its reason', async (context) => {
  const { admin } = await startObserved(context);
  const { runServer, configurationOf } = await import('./server-process.js');
  const listen = new URL(admin).host;
  const json = configurationOf({ folder: temporaryFolder(context), top: { admin: { listen } } });
  const second = runServer(context, ['--json', json]);
  assert.notEqual(await second.ended, 0);
  assert.match(second.output(), /admin\.listen: cannot listen on .*EADDRINUSE/);
});
