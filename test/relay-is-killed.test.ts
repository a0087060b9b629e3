import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import {
  sleep,
  startMount,
  temporaryFolder,
  waitUntilDelivered,
  whyNoMounts,
  type RunningMount,
} from '@k2hft/test-harness';
import { killAtRandom, KeptServer, type ServerSettings } from './killing.js';
import { startWriter } from './numbered-lines.js';

const skip = whyNoMounts() ?? false;
const KILLING_MS = 8_000;
const DELIVERY_MS = 240_000;
/** Lines are dated in whole seconds. */
const BEGUN_SECONDS = Math.floor(Date.now() / 1000);
const HOST = 'origin-host';
const NAMES = ['alone.log', 'shared.log', 'shared.log'];

/** Each line says whose it was. */
const END: ServerSettings = { output: { format: '%l|%H|%F|%P|%T\n', time_format: '%s' } };

/** A relay without files of its own, unless `output` is given. */
function relayTo(
  folder: string,
  urls: string[],
  servers: Record<string, unknown> = {},
  isPure = true,
): ServerSettings {
  const relay = { queue: { dir: join(folder, 'queue'), min_free: '16MiB' }, servers: { urls, ...servers } };
  return { settings: { relay, ...(isPure ? { output: undefined } : {}) }, ...(isPure ? {} : END) };
}

/** Kills one after the other, chosen by chance, until the time is over. */
async function killServers(servers: readonly KeptServer[], durationMs: number): Promise<number> {
  const deadline = performance.now() + durationMs;
  let kills = 0;
  while (performance.now() < deadline) {
    await sleep(100 + Math.random() * 300);
    await servers[Math.floor(Math.random() * servers.length)]?.killAndRestart();
    kills++;
  }
  return kills;
}

interface Written {
  name: string;
  lines: number;
}

/** Three writers write through the mount while everything is killed; returns what they have written. */
async function writeWhileKilling(
  t: TestContext,
  mount: RunningMount,
  servers: readonly KeptServer[],
): Promise<Written[]> {
  const pace = { pauseMs: 2, burstLinesMax: 10 };
  const writers = NAMES.map((name, index) => startWriter(t, join(mount.point, name), `writer${index}`, pace));
  const [servedKills, mountKills] = await Promise.all([
    killServers(servers, KILLING_MS),
    killAtRandom(mount, undefined, KILLING_MS),
  ]);
  assert.ok(servedKills > 0 && mountKills.worker > 0 && mountKills.forwarder > 0);
  const reports = await Promise.all(writers.map((writer) => writer.finish()));
  assert.deepEqual(
    reports.map(({ error }) => error),
    NAMES.map(() => undefined),
  );
  await waitUntilDelivered(mount);
  return reports;
}

function linesOf(folder: string): string[] {
  return [...new Set(NAMES)].flatMap((name) => {
    const file = join(folder, 'output', name);
    if (!existsSync(file)) return [];
    const text = readFileSync(file, 'utf8');
    assert.ok(text === '' || text.endsWith('\n'));
    return text.split('\n').slice(0, -1);
  });
}

/** Waits until these folders together hold so many lines, and a moment more for what may come too often. */
async function arrived(folders: readonly string[], count: number): Promise<void> {
  const found = (): number => folders.reduce((sum, folder) => sum + linesOf(folder).length, 0);
  const deadline = performance.now() + DELIVERY_MS;
  while (found() < count && performance.now() < deadline) await sleep(200);
  await sleep(500);
}

/** The numbers of each writer's lines, in the order in which they are in the files. */
function numbersByWriter(lines: readonly string[]): Map<string, number[]> {
  const numbers = new Map<string, number[]>();
  const pids = new Map<string, Set<string>>();
  for (const line of lines) {
    const [text = '', host, path = '', pid = '', time] = line.split('|');
    const [writer = '', number] = text.split(' ', 2);
    assert.equal(host, HOST, line);
    assert.ok(NAMES.includes(path), line);
    assert.ok(Number(time) >= BEGUN_SECONDS && Number(time) <= Date.now() / 1000, line);
    pids.set(writer, (pids.get(writer) ?? new Set()).add(pid));
    numbers.set(writer, [...(numbers.get(writer) ?? []), Number(number)]);
  }
  for (const [writer, ofWriter] of pids) assert.equal(ofWriter.size, 1, `${writer} is one process`);
  return numbers;
}

function assertExactlyOnce(lines: readonly string[], written: readonly Written[]): void {
  const numbers = numbersByWriter(lines);
  for (const { name, lines: count } of written) {
    assert.ok(count > 30, `${name} wrote ${count} lines`);
    const expected = Array.from({ length: count }, (_, index) => index + 1);
    assert.deepEqual(numbers.get(name), expected, `the lines of ${name}, each once and in order`);
  }
}

void test(
  'every line arrives once and in order at both ends of two relays, whatever is killed',
  { skip },
  async (t) => {
    const folder = temporaryFolder(t);
    const at = (name: string): string => join(folder, name);
    const ends = [await KeptServer.start(t, at('end1'), END), await KeptServer.start(t, at('end2'), END)];
    const urls = ends.map(({ url }) => url);
    const second = await KeptServer.start(
      t,
      at('second'),
      relayTo(at('second'), urls, { deliver: 'broadcast' }),
    );
    // The first one keeps files of its own as well.
    const first = await KeptServer.start(t, at('first'), relayTo(at('first'), [second.url], {}, false));
    const mount = await startMount(t, {
      folder: at('source'),
      urls: [first.url],
      settings: { host: HOST },
    });
    const written = await writeWhileKilling(t, mount, [first, second, ...ends]);
    const count = written.reduce((sum, { lines }) => sum + lines, 0);
    await arrived([at('end1'), at('end2')], 2 * count);
    for (const end of ['first', 'end1', 'end2']) assertExactlyOnce(linesOf(at(end)), written);
    await mount.stop();
  },
);

void test(
  'with failover behind the relay, no line is lost, and none is twice at one end',
  { skip },
  async (t) => {
    const folder = temporaryFolder(t);
    const at = (name: string): string => join(folder, name);
    const ends = [await KeptServer.start(t, at('end1'), END), await KeptServer.start(t, at('end2'), END)];
    const urls = ends.map(({ url }) => url);
    const relay = await KeptServer.start(t, at('relay'), relayTo(at('relay'), urls));
    const mount = await startMount(t, { folder: at('source'), urls: [relay.url], settings: { host: HOST } });
    const written = await writeWhileKilling(t, mount, [relay, ...ends]);
    const count = written.reduce((sum, { lines }) => sum + lines, 0);
    await arrived([at('end1'), at('end2')], count);
    const byEnd = ['end1', 'end2'].map((end) => linesOf(at(end)));
    for (const lines of byEnd) {
      for (const [writer, numbers] of numbersByWriter(lines)) {
        assert.ok(
          numbers.every((number, index) => number > (numbers[index - 1] ?? 0)),
          `the lines of ${writer} are in order at each end`,
        );
      }
    }
    // What was in flight when both the relay and an end were killed may be at both ends.
    const once = [...new Set(byEnd.flat())].sort((a, b) => numberOf(a) - numberOf(b));
    assertExactlyOnce(once, written);
    await mount.stop();
  },
);

void test(
  'relays in a circle refuse what comes back, and nothing is lost when the settings are mended',
  { skip },
  async (t) => {
    const folder = temporaryFolder(t);
    const at = (name: string): string => join(folder, name);
    const end = await KeptServer.start(t, at('end'), END);
    // Ports are known only when they are taken: the first one begins with another destination.
    const other = await KeptServer.start(t, at('first'), relayTo(at('first'), [end.url]));
    const second = await KeptServer.start(t, at('second'), relayTo(at('second'), [other.url]));
    await other.kill();
    const first = await other.restartWith(relayTo(at('first'), [second.url]));
    const mount = await startMount(t, { folder: at('source'), urls: [first.url], settings: { host: HOST } });
    const writer = startWriter(t, join(mount.point, 'alone.log'), 'writer0');
    await second.printed(/the server refuses: .* comes back: .*servers\.urls.* \(loop\)/);
    await second.kill();
    await second.restartWith(relayTo(at('second'), [end.url]));
    await sleep(500);
    const report = await writer.finish();
    await waitUntilDelivered(mount);
    await arrived([at('end')], report.lines);
    assertExactlyOnce(linesOf(at('end')), [report]);
    await mount.stop();
  },
);

function numberOf(line: string): number {
  return Number(line.split(' ', 2)[1]);
}
