import assert from 'node:assert/strict';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  hasEnded,
  sendSignal,
  sleep,
  startMount,
  startServer,
  temporaryFolder,
  waitUntil,
  whyNoMounts,
  type RunningMount,
} from '@k2hft/test-harness';
import { KeptServer, killAtRandom } from './killing.js';

const skip = whyNoMounts() ?? false;

const read = (path: string): string => (existsSync(path) ? readFileSync(path, 'utf8') : '');
const padding = 'x'.repeat(80);
const numbered = (count: number, first = 0): string[] =>
  Array.from({ length: count }, (_, index) => `${first + index} ${padding}`);
const text = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('');

/** What `k2hft status` tells of a plugin. */
interface PluginEntry {
  rule: string;
  processes: { state: string; pid?: number }[];
  restarts: number;
  fed: { records: number };
  dropped: { records: number };
}

function pluginOf(mount: RunningMount, rule: string): PluginEntry {
  const { plugins } = mount.status() as unknown as { plugins: PluginEntry[] };
  const found = plugins.find((entry) => entry.rule === rule);
  assert.ok(found !== undefined);
  return found;
}

/** Longer than a machine that is busy with other things holds anybody up, and much shorter than a plugin that sleeps would. */
const WRITE_MS_MAX = 100_000;
const SLEEP_SECONDS = '100000';

/** Writes line by line; no line may wait for a plugin. */
function writeLines(path: string, lines: readonly string[]): void {
  const fd = openSync(path, 'a');
  for (const line of lines) {
    const startedMs = performance.now();
    writeSync(fd, `${line}\n`);
    const tookMs = performance.now() - startedMs;
    assert.ok(tookMs < WRITE_MS_MAX, `a write took ${tookMs} ms`);
  }
  closeSync(fd);
}

/** Kills the process of a plugin that has begun to work, with all that it has started. */
async function killPlugin(
  mount: RunningMount,
  rule: string,
  hasBegun: (pid: number) => boolean,
): Promise<void> {
  await waitUntil('the plugin is killed', () => {
    const { pid } = pluginOf(mount, rule).processes[0] ?? {};
    return pid !== undefined && !hasEnded(pid) && hasBegun(pid) && sendSignal(-pid, 'SIGKILL');
  });
}

void test(
  'plugins stall, die and are killed: writers see nothing, every line arrives, drops are counted',
  { skip },
  async (t) => {
    const folder = temporaryFolder(t);
    const server = await startServer(t, {
      folder: join(folder, 'server'),
      output: { format: '%F %L', plugin: ['sh', '-c', `cat > ${folder}/at-server`] },
    });
    const sh = (script: string) => ['sh', '-c', script];
    const mount = await startMount(t, {
      folder: join(folder, 'source'),
      urls: [server.url],
      rules: [
        { path: 'reads.log', plugin: sh(`cat > ${folder}/reads`) },
        { path: 'prints.log', plugin: ['sed', '-u', 's/x//g'], plugin_stdout: `${folder}/prints` },
        { path: 'stalls.log', plugin: ['sleep', SLEEP_SECONDS], plugin_buffer: '256KiB' },
        { path: 'dies.log', plugin: sh(`head -n 3 | wc -l >> ${folder}/dies; exit 1`) },
        { path: 'killed.log', plugin: sh(`cat > ${folder}/killed.$$$$`) },
        { path: 'missing.log', plugin: ['no-such-program-anywhere'] },
        { path: 'local/**', send: 'no', plugin: ['cat'], plugin_stdout: `${folder}/local/` },
        { path: '**' },
      ],
    });
    const names = ['reads', 'prints', 'stalls', 'dies', 'killed', 'missing', 'other'].map(
      (name) => `${name}.log`,
    );
    const lines = numbered(6000);
    for (let at = 0; at < lines.length; at += 400) {
      for (const name of names) writeLines(join(mount.point, name), lines.slice(at, at + 400));
      if (at % 2000 === 0)
        await killPlugin(mount, 'killed.log', (pid) => existsSync(join(folder, `killed.${pid}`)));
    }
    for (const name of names) {
      const wanted = text(lines.map((line) => `${name} ${line}`));
      await waitUntil(`${name} arrives`, () => read(join(folder, 'server/output', name)) === wanted);
    }
    await waitUntil('the one that reads has all', () => read(`${folder}/reads`) === text(lines));
    const printed = text(lines.map((_, index) => `${index} `));
    await waitUntil('so has the one that prints', () => read(`${folder}/prints`) === printed);

    await waitUntil('drops are counted', () => pluginOf(mount, 'stalls.log').dropped.records > 1000);
    const stalled = pluginOf(mount, 'stalls.log');
    assert.ok(
      stalled.fed.records + stalled.dropped.records <= lines.length,
      `${stalled.fed.records} were fed, ${stalled.dropped.records} were dropped`,
    );
    assert.equal(pluginOf(mount, 'reads.log').dropped.records, 0);
    const killed = () => readdirSync(folder).filter((name) => name.startsWith('killed.'));
    await waitUntil('one was started after each kill', () => killed().length >= 4);
    for (const name of killed()) {
      const got = read(join(folder, name)).split('\n').slice(0, -1);
      assert.ok(
        got.every((line) => lines.includes(line)),
        'each line that it got is whole',
      );
    }
    await waitUntil('a restart is counted', () => pluginOf(mount, 'dies.log').restarts > 0);
    await mount.process.printed(/cannot start no-such-program-anywhere: spawn .* ENOENT/);

    const atServer = () => read(`${folder}/at-server`).split('\n').slice(0, -1);
    await waitUntil("the server's has all", () => atServer().length === names.length * lines.length);
    for (const name of names) {
      assert.deepEqual(
        atServer().filter((line) => line.startsWith(`${name} `)),
        lines.map((line) => `${name} ${line}`),
      );
    }
  },
);

void test(
  'without any server, plugins get the lines; nothing of them is left behind',
  { skip },
  async (t) => {
    const folder = temporaryFolder(t);
    const mount = await startMount(t, {
      folder: join(folder, 'source'),
      urls: [],
      // What the plugins have not got by then is lost to them.
      settings: { shutdown_timeout: '4m' },
      rules: [
        {
          path: '*.log',
          send: 'no',
          plugin: ['sh', '-c', `sleep 1; cat > ${folder}/got; echo end >> ${folder}/got`],
        },
        { path: 'per/**', send: 'no', plugin: ['cat'], plugin_stdout: `${folder}/per/` },
      ],
    });
    const lines = numbered(2000);
    writeLines(join(mount.point, 'a.log'), lines);
    writeLines(join(mount.point, 'none.txt'), lines);
    mkdirSync(join(mount.point, 'per'));
    for (const name of ['b', 'c']) writeLines(join(mount.point, 'per', name), lines);
    const pids = ['*.log', 'per/**'].flatMap((rule) =>
      pluginOf(mount, rule).processes.map(({ pid }) => pid ?? 0),
    );
    await mount.stop();
    assert.equal(read(`${folder}/got`), `${text(lines)}end\n`);
    assert.deepEqual([read(`${folder}/per/b`), read(`${folder}/per/c`)], [text(lines), text(lines)]);
    assert.ok(pids.length > 0 && pids.every(hasEnded));
  },
);

void test(
  'the server waits for its plugin, and nothing is lost or doubled in its files',
  { skip },
  async (t) => {
    const folder = temporaryFolder(t);
    const server = await startServer(t, {
      folder: join(folder, 'server'),
      output: {
        plugin: ['sh', '-c', `while [ ! -e ${folder}/go ]; do sleep 0.05; done; cat > ${folder}/fed`],
      },
    });
    const mount = await startMount(t, { folder: join(folder, 'source'), urls: [server.url] });
    const lines = numbered(20_000);
    writeLines(join(mount.point, 'a.log'), lines);
    await waitUntil('the source is told', () => mount.status().servers[0]?.state === 'full');
    await server.process.printed(/plugin sh: does not read its standard input/);
    assert.ok(mount.status().queue.records > 0);
    writeFileSync(`${folder}/go`, '');
    await waitUntil('the plugin has all', () => read(`${folder}/fed`) === text(lines));
    assert.equal(read(join(folder, 'server/output/a.log')), text(lines));
  },
);

void test(
  'while our processes are killed, every plugin gets every line at least once',
  { skip },
  async (t) => {
    const folder = temporaryFolder(t);
    const collect = (name: string) => ['sh', '-c', `cat > ${folder}/${name}.$$$$`];
    const server = await KeptServer.start(t, join(folder, 'server'), {
      output: { plugin: collect('server') },
    });
    const mount = await startMount(t, {
      folder: join(folder, 'source'),
      urls: [server.url],
      rules: [{ path: '**', plugin: collect('source') }],
    });
    let isOver = false;
    const goesOn = () => !isOver;
    const killing = killAtRandom(mount, server, 8000).finally(() => (isOver = true));
    let count = 0;
    while (goesOn()) {
      writeLines(join(mount.point, 'a.log'), numbered(50, count));
      count += 50;
      await sleep(5);
    }
    const kills = await killing;
    assert.ok(kills.forwarder + kills.server > 0);
    const lines = numbered(count);
    const missing = (name: string) => {
      const files = readdirSync(folder).filter((file) => file.startsWith(`${name}.`));
      const got = new Set(files.flatMap((file) => read(join(folder, file)).split('\n')));
      return lines.filter((line) => !got.has(line)).length;
    };
    await waitUntil('the plugins have all', () => missing('source') === 0 && missing('server') === 0);
    assert.equal(read(join(folder, 'server/output/a.log')), text(lines), 'and the files each line once');
  },
);
