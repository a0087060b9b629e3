import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import {
  freePort,
  lintScrape,
  MOUNT_COMMAND,
  parseScrape,
  sendSignal,
  startMount,
  startProcess,
  startServer,
  temporaryFolder,
  undoAtEnd,
  waitUntil,
  whyNoMounts,
  whyNoProgram,
  type Cleanup,
  type Scrape,
} from '@k2hft/test-harness';
import { childNamed, childOf } from './killing.js';
import { pipelineOf, shell, type Pipeline } from './pipeline.js';

const skip = whyNoMounts() ?? false;
const DASHBOARD = fileURLToPath(new URL('../../configs/k2hft-dashboard.json', import.meta.url));
const ADMIN = { listen: '127.0.0.1:0', unhealthy_after: '1s' };

interface Asked {
  status: number;
  text: string;
}

interface Seen {
  ask: (path: string) => Promise<Asked>;
  /** Waits until this is the answer. */
  answers: (path: string, status: number, text?: RegExp) => Promise<void>;
  scrape: () => Promise<Scrape>;
}

/** The port for operators of a process that was started with {@link ADMIN}. */
function adminOf(of: { output(): string }): Seen {
  const [, url = ''] = /admin: (http:\S+)/.exec(of.output()) ?? [];
  const ask = async (path: string): Promise<Asked> => {
    const response = await fetch(url + path);
    return { status: response.status, text: await response.text() };
  };
  const answers = async (path: string, status: number, text = /^/): Promise<void> => {
    let last: Asked | undefined;
    const isSo = async (): Promise<boolean> => {
      last = await ask(path);
      return last.status === status && text.test(last.text);
    };
    await waitUntil(`${path} says ${status} ${String(text)}`, isSo).catch((error: unknown) => {
      throw new Error(`${String(error)}; it says ${JSON.stringify(last)}`);
    });
  };
  return { ask, answers, scrape: async (): Promise<Scrape> => parseScrape((await ask('/metrics')).text) };
}

async function startSeen(t: Cleanup): Promise<Pipeline & { seen: Seen; restartServer: () => Promise<void> }> {
  const folder = temporaryFolder(t);
  const serverOptions = {
    folder: join(folder, 'server'),
    port: await freePort(),
    settings: { admin: ADMIN },
  };
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
    await startServer(t, serverOptions);
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
  const duration = 'k2hft_fuse_operation_duration_seconds_count';
  let scrape = await pipeline.seen.scrape();
  await waitUntil("the worker's report", async () => {
    scrape = await pipeline.seen.scrape();
    // It may be of a moment before the last call.
    return (
      scrape.count('k2hft_capture_writes_total') > 0 &&
      scrape.value('k2hft_capture_records_total') === 4 &&
      scrape.value(duration, { operation: 'fsync' }) === 1
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
  assert.equal(scrape.value(duration, { operation: 'write' }), 3);
  const ofServer = await adminOf(pipeline.server.process).scrape();
  lintScrape(ofServer);
  assert.equal(ofServer.value('k2hft_server_received_records_total'), 4);
  assert.equal(ofServer.value('k2hft_server_sources'), 1);
});

void test('health follows what is not delivered, and comes back', { skip }, async (t) => {
  const pipeline = await startSeen(t);
  shell(`echo one > ${pipeline.inside('a.log')}`);
  await pipeline.delivered();
  await pipeline.seen.answers('/healthz', 200, /^what is written is delivered\n$/);
  await pipeline.server.stop();
  shell(`echo two >> ${pipeline.inside('a.log')}`);
  await pipeline.seen.answers('/healthz', 503, /^records of \d+ s ago are not delivered to "any"$/m);
  // What is written is still taken.
  await pipeline.seen.answers('/readyz', 200, /^what is written is queued\n$/);
  await pipeline.restartServer();
  await pipeline.seen.answers('/healthz', 200);
  process.kill(childOf(pipeline.mount.process.pid, 'worker'), 'SIGKILL');
  await waitUntil('the restart is counted', async () => {
    const scrape = await pipeline.seen.scrape();
    return scrape.value('k2hft_process_restarts_total', { process: 'worker' }) === 1;
  });
  await pipeline.seen.answers('/healthz', 200);
});

void test('a mount whose worker hangs is unhealthy until it is replaced', { skip }, async (t) => {
  const pipeline = await startSeen(t);
  const seen = new Map<string, string>();
  await waitUntil('it is neither healthy nor ready', async () => {
    // After some seconds it is replaced; should nobody have looked meanwhile, the next one hangs as well.
    const worker = childNamed(pipeline.mount.process.pid, 'worker');
    if (worker !== undefined) sendSignal(worker, 'SIGSTOP');
    for (const path of ['/healthz', '/readyz']) {
      const { status, text } = await pipeline.seen.ask(path);
      if (status === 503) seen.set(path, text);
    }
    return seen.size === 2;
  });
  for (const text of seen.values()) assert.match(text, /the mount has not answered for \d+ s/);
  await pipeline.seen.answers('/healthz', 200);
});

/** Names of metrics in the queries of a dashboard, wherever in it they stand. */
function metricsOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(metricsOf);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]: [string, unknown]) =>
    (key === 'expr' || key === 'query') && typeof inner === 'string'
      ? (inner.match(/\b(?:k2hft|process)_[a-z0-9_]+/g) ?? [])
      : metricsOf(inner),
  );
}

void test('the dashboard asks for nothing that is not there', { skip }, async (t) => {
  const pipeline = await startSeen(t);
  const scrapes = [await pipeline.seen.scrape(), await adminOf(pipeline.server.process).scrape()];
  const known = new Set(
    scrapes.flatMap(({ families }) =>
      [...families].flatMap(([name, { type }]) =>
        type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
      ),
    ),
  );
  const asked = metricsOf(JSON.parse(readFileSync(DASHBOARD, 'utf8')));
  assert.ok(asked.length > 20, `${asked.length} metrics`);
  assert.deepEqual(
    asked.filter((name) => !known.has(name)),
    [],
  );
});

void test('tap shows what is written and by whom, also while the server is away', { skip }, async (t) => {
  const pipeline = await startSeen(t);
  shell(`echo before > ${pipeline.inside('a.log')}`);
  await pipeline.delivered();
  // However many lines come in a second, none is left out.
  const args = ['tap', '*.log', pipeline.mount.point, '--rate', '1000000'];
  const tap = startProcess(t, process.execPath, [MOUNT_COMMAND, ...args]);
  // It tells of what is written once it has begun; when that is, only a record shows.
  await waitUntil('it shows something', () => {
    shell(`echo begin >> ${pipeline.inside('a.log')}`);
    return tap.output().includes('begin');
  });
  const writer = shell(
    `printf 'o\\033ne\\n' >> ${pipeline.inside('b.log')}; echo no > ${pipeline.inside('b.txt')}; echo $$`,
  );
  await tap.printed(
    new RegExp(`^\\d\\d:\\d\\d:\\d\\d\\.\\d{3} b\\.log pid=${writer.trim()} uid=0  o\\\\x1bne$`, 'm'),
  );
  await pipeline.server.stop();
  shell(`echo away >> ${pipeline.inside('a.log')}`);
  await tap.printed(/ a\.log pid=\d+ uid=0 {2}away$/m);
  await pipeline.restartServer();
  await pipeline.delivered();
  assert.doesNotMatch(tap.output(), /before|b\.txt/);
  assert.equal(tap.output().match(/away/g)?.length, 1);
});

const skipTop = skip === false ? (whyNoProgram('tmux', 'tmux') ?? false) : skip;

void test('top fits the terminal, follows its size, and gives it back', { skip: skipTop }, async (t) => {
  const pipeline = await startSeen(t);
  shell(`for n in $(seq 30); do echo "of $n" > ${pipeline.mount.point}/service-$n.log; done`);
  const tmux = (...args: string[]) =>
    spawnSync('tmux', ['-L', `k2hft-test-${process.pid}`, ...args], { encoding: 'utf8' });
  undoAtEnd(t, () => void tmux('kill-server'));
  const { point } = pipeline.mount;
  const command = `'${process.execPath}' '${MOUNT_COMMAND}' top '${point}'`;
  tmux('new-session', '-d', '-x', '80', '-y', '24', `echo before; ${command}; echo after; exec sleep 100000`);
  const screen = () => tmux('capture-pane', '-p').stdout;
  await waitUntil('the table', () => /^ws:\/\/\S+ +up .*\n\nFILE/m.test(screen()));
  await waitUntil('the rates', () => /^write {2}\d+ writes\/s/m.test(screen()));
  await waitUntil('the title', () => /^k2hft top {2}\S/.test(screen()));
  await waitUntil('the depth', () => /^depth {2}0 batches, 0 records, 0 B +steady/m.test(screen()));
  await waitUntil("the worker's report", () => /^service-\d+\.log .* \d+ B$/m.test(screen()));
  await waitUntil('what has no room', () => /more lines\n$/.test(screen()));
  tmux('resize-window', '-x', '50', '-y', '14');
  await waitUntil('the smaller table', () => screen().trimEnd().split('\n').length === 14);
  for (const line of screen().split('\n')) assert.ok(line.length <= 50, line);
  tmux('send-keys', 'q');
  await waitUntil('what was there before', () => /^before\nafter\n/.test(screen()));
  const once = spawnSync(process.execPath, [MOUNT_COMMAND, 'top', point, '--once'], { encoding: 'utf8' });
  assert.equal(once.status, 0, once.stderr);
  assert.match(once.stdout, /^service-30\.log/m);
  assert.ok(!once.stdout.includes('\x1b'));
});
