import assert from 'node:assert/strict';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { temporaryFolder } from '@k2hft/test-harness';
import type { History, Overview } from '../web/overview.js';
import { startServer } from './server-process.js';
import { SOURCE_A, SourceClient } from './source-client.js';

async function startWatched(context: TestContext, output: Record<string, unknown> = {}) {
  const server = await startServer(context, {
    folder: temporaryFolder(context),
    output,
    top: { admin: { listen: '127.0.0.1:0' } },
  });
  const [, admin = ''] = /admin: (http:\S+)/.exec(server.output()) ?? [];
  const ask = async (path: string): Promise<unknown> => (await fetch(`${admin}${path}`)).json();
  return {
    ...server,
    admin,
    overview: async (query = '') => (await ask(`/overview${query}`)) as Overview,
    history: async (query = '') => (await ask(`/history${query}`)) as History,
  };
}

test('the page may load from this server only, and a browser that has it is not sent it again', async (context) => {
  const { admin } = await startWatched(context);
  const page = await fetch(`${admin}/`);
  assert.equal(page.headers.get('content-type'), 'text/html; charset=utf-8');
  assert.match(page.headers.get('content-security-policy') ?? '', /^default-src 'self';/);
  const text = await page.text();
  assert.doesNotMatch(
    text,
    /https?:|<style|style=|<script>|\son\w+=/,
    'nothing inline, nothing from elsewhere',
  );
  const [, ...linked] = text.split(/(?:src|href)="/).map((part) => part.slice(0, part.indexOf('"')));
  for (const path of linked) assert.equal((await fetch(`${admin}${path}`)).status, 200, path);
  const again = await fetch(`${admin}/`, { headers: { 'if-none-match': page.headers.get('etag') ?? '' } });
  assert.equal(again.status, 304);
});

test('every module of the page is served, but for those that hold only types', async (context) => {
  const { admin } = await startWatched(context);
  const modules = readdirSync(new URL('../web/', import.meta.url)).filter((name) => name.endsWith('.js'));
  assert.ok(modules.length > 5);
  for (const name of modules.filter((each) => each !== 'overview.js')) {
    const response = await fetch(`${admin}/web/${name}`);
    assert.equal(response.headers.get('content-type'), 'text/javascript; charset=utf-8', name);
    for (const [, imported = ''] of (await response.text()).matchAll(/from '\.\/([\w-]+\.js)'/g))
      assert.ok(modules.includes(imported), `${name} imports ${imported}`);
  }
});

test('the overview tells of sources, files and what went wrong', async (context) => {
  const { url, overview, history } = await startWatched(context);
  const empty = await overview();
  assert.deepEqual(empty.sources, { rows: [], matching: 0, all: 0 });
  assert.equal(empty.relay, null);
  const client = await SourceClient.connect(url);
  await client.deliver(
    1,
    { payload: 'one\n', path: 'dir/a.log', timeSeconds: Math.floor(Date.now() / 1000) - 100 },
    { payload: 'two\nthree\n', path: 'b<script>.log', recordCount: 2 },
  );
  await client.deliver(3, { payload: 'x\n', path: '../up' });
  let shown = await overview();
  // What came more than ten seconds ago says nothing about now: on a machine that stood still, more has to come.
  let more = 0;
  while (shown.sources.rows[0]?.lagMs === null) {
    await client.deliver(4 + more++, { payload: 'late\n', path: 'dir/a.log' });
    shown = await overview();
  }
  const { sources, files, totals, problems } = shown;
  const [source] = sources.rows;
  assert.equal(source?.id, SOURCE_A);
  assert.equal(source.host, 'host1');
  assert.ok(source.connectedAtMs !== null);
  assert.ok((source.lagMs ?? 0) > 99_000);
  assert.equal(source.unacknowledgedBatches, 0);
  assert.equal(totals.records, 4 + more);
  assert.deepEqual(
    new Map(files?.rows.map(({ name, sizeBytes }) => [name, sizeBytes])).get('b<script>.log'),
    10,
  );
  assert.equal(files?.all, 3);
  assert.match(problems[0]?.message ?? '', /refused to write/);
  const filtered = await overview('?source=nobody&file=A.LOG&files-by=nonsense');
  assert.deepEqual(filtered.sources, { rows: [], matching: 0, all: 1 });
  assert.deepEqual(
    filtered.files?.rows.map(({ name }) => name),
    ['dir/a.log'],
  );
  assert.ok((await history()).timesSeconds.length < 100);
  assert.deepEqual((await history('?source=nobody')).sources, []);
});

test('a source that has gone is away, and a file that was removed has no size', async (context) => {
  const { url, overview, outputFolder } = await startWatched(context);
  const client = await SourceClient.connect(url);
  await client.deliver(1, { payload: 'one\n' });
  rmSync(join(outputFolder, 'a.log'));
  client.close();
  await client.closed();
  let shown = await overview();
  while (shown.sourcesConnected > 0) shown = await overview();
  assert.equal(shown.sourcesAway, 1);
  const [source] = shown.sources.rows;
  assert.equal(source?.connectedAtMs, null);
  assert.equal(source.totals.records, 1);
  assert.deepEqual(
    shown.files?.rows.map(({ name, sizeBytes }) => [name, sizeBytes]),
    [['a.log', null]],
  );
  assert.ok(source.seenAtMs >= (source.lastAtMs ?? Infinity));
});
