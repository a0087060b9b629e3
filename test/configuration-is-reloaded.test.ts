import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  MOUNT_COMMAND,
  sleep,
  startMount,
  startProcess,
  startServer,
  temporaryFolder,
  waitUntil,
  waitUntilDelivered,
  whyNoMounts,
  type Cleanup,
  type RunningMount,
} from '@k2hft/test-harness';
import { startWriter, tallyLines } from './numbered-lines.js';

const skip = whyNoMounts() ?? false;

interface Reloading {
  readonly folder: string;
  readonly mount: RunningMount;
  /** Writes other settings into the configuration: those given take the place of what was there. */
  readonly configure: (changed: Record<string, unknown>) => void;
  /** `k2hft reload`. */
  readonly reload: () => { status: number | null; said: string };
  /** The same by a signal. */
  readonly hangUp: () => Promise<void>;
  readonly arrivedAt: (server: string, name: string) => string;
}

async function start(
  cleanup: Cleanup,
  urls: string[],
  settings: Record<string, unknown> = {},
): Promise<Reloading> {
  const folder = temporaryFolder(cleanup);
  const source = join(folder, 'source');
  const mount = await startMount(cleanup, { folder: source, urls, settings });
  const file = join(source, 'k2hft.json');
  let configuration = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  const inForce = () => mount.process.output().split('the configuration is in force').length;
  return {
    folder,
    mount,
    configure(changed) {
      configuration = { ...configuration, ...changed };
      writeFileSync(file, JSON.stringify(configuration));
    },
    reload() {
      const { status, stdout, stderr } = spawnSync(process.execPath, [MOUNT_COMMAND, 'reload', mount.point], {
        encoding: 'utf8',
      });
      return { status, said: stdout + stderr };
    },
    async hangUp() {
      const before = inForce();
      mount.process.child.kill('SIGHUP');
      await waitUntil('the configuration is in force', () => inForce() > before);
    },
    arrivedAt: (server, name) => {
      const path = join(server, 'output', name);
      return existsSync(path) ? readFileSync(path, 'utf8') : '';
    },
  };
}

void test(
  'rules, servers, limits and the level change under load: each line arrives once',
  { skip },
  async (t) => {
    const folder = temporaryFolder(t);
    const folders = ['one', 'two', 'three'].map((name) => join(folder, name));
    const [one, two, three] = await Promise.all(folders.map((each) => startServer(t, { folder: each })));
    assert(one && two && three);
    const reloading = await start(t, [one.url, two.url]);
    const { mount, configure } = reloading;
    const inside = (name: string) => join(mount.point, name);
    const writers = ['a', 'b', 'c'].map((name) => startWriter(t, inside(`${name}.log`), name));
    const connections = (url: string) =>
      (mount.status().servers as { url: string; connections?: number }[]).find((server) => server.url === url)
        ?.connections;

    const steps: Record<string, unknown>[] = [
      { servers: { urls: [three.url, one.url, two.url] } },
      {
        rules: [
          { path: 'a.log', max_record: '64KiB' },
          { path: '*.log', deny: ['^never '] },
        ],
      },
      { servers: { urls: [two.url, three.url], deliver: 'hash', linger: '5ms' }, log: { level: 'debug' } },
      {
        queue: {
          dir: mount.queueDir,
          min_free: '8MiB',
          max_size: '20GiB',
          when_full: 'drop_oldest',
          checkpoint: '3s',
        },
      },
      { servers: { urls: [two.url], deliver: 'failover' } },
      {
        servers: { urls: [one.url, two.url], deliver: 'random' },
        log: { level: 'info' },
        rules: [{ path: '**' }],
      },
      { queue: { dir: mount.queueDir, min_free: '16MiB' } },
    ];
    for (const [index, step] of steps.entries()) {
      await sleep(300);
      configure(step);
      if (index % 2 === 0) await reloading.hangUp();
      else
        assert.deepEqual(reloading.reload(), {
          status: 0,
          said: `${mount.point}: the configuration is in force\n`,
        });
    }
    await sleep(500);
    const reports = await Promise.all(writers.map((writer) => writer.finish()));
    await waitUntilDelivered(mount);
    assert.equal(connections(two.url), 1, 'it has been there all the time');
    const files = folders.flatMap((each) =>
      ['a', 'b', 'c'].map((name) => join(each, 'output', `${name}.log`)),
    );
    const tally = await tallyLines(files, reports);
    const written = reports.reduce((sum, { lines }) => sum + lines, 0);
    assert.deepEqual(
      reports.map(({ error }) => error),
      [undefined, undefined, undefined],
    );
    t.diagnostic(
      `${written} lines; longest stall ${Math.max(...reports.map(({ longestStallMs }) => Math.round(longestStallMs)))} ms`,
    );
    assert.ok(written > 1_000);
    assert.deepEqual(
      { ...tally, disordered: 0 },
      { lines: written, lost: 0, doubled: 0, disordered: 0, foreign: 0 },
    );
  },
);

void test('a broadcast begins and ends while it is mounted', { skip }, async (t) => {
  const folder = temporaryFolder(t);
  const folders = ['one', 'two'].map((name) => join(folder, name));
  const [one, two] = await Promise.all(folders.map((each) => startServer(t, { folder: each })));
  assert(one && two);
  const { mount, configure, reload, arrivedAt } = await start(t, [one.url]);
  const write = (line: string) => {
    spawnSync('sh', ['-c', `echo ${line} >> ${join(mount.point, 'a.log')}`]);
  };
  write('first');
  await waitUntilDelivered(mount);
  configure({ servers: { urls: [one.url, two.url], deliver: 'broadcast' } });
  assert.equal(reload().status, 0);
  write('second');
  await waitUntilDelivered(mount);
  configure({ servers: { urls: [two.url] } });
  assert.equal(reload().status, 0);
  write('third');
  await waitUntilDelivered(mount);
  assert.equal(arrivedAt(folders[0] ?? '', 'a.log'), 'first\nsecond\n');
  assert.equal(arrivedAt(folders[1] ?? '', 'a.log'), 'second\nthird\n');
});

void test(
  'what is wrong, or cannot change while it is mounted, is refused with its reasons',
  { skip },
  async (t) => {
    const folder = temporaryFolder(t);
    const server = await startServer(t, { folder });
    const { mount, configure, reload, arrivedAt } = await start(t, [server.url]);
    const { processes } = mount.status();
    const good = { servers: { urls: [server.url] }, queue: { dir: mount.queueDir, min_free: '16MiB' } };

    configure({ servers: { urls: ['nonsense'] }, queue: { dir: mount.queueDir, when_full: 'sometimes' } });
    const broken = reload();
    assert.equal(broken.status, 78);
    assert.match(broken.said, /the old configuration stays/);
    assert.match(broken.said, /servers\.urls/);
    assert.match(broken.said, /queue\.when_full/);

    configure({ ...good, mount: { mode: 'overlay', umask: '077' }, host: 'other' });
    const refused = reload();
    assert.equal(refused.status, 78);
    for (const key of ['mount.mode', 'mount.umask', 'host']) {
      assert.ok(
        refused.said.includes(`${key} cannot change while it is mounted: umount and mount again`),
        refused.said,
      );
    }
    configure({ mount: { mode: 'virtual' }, host: undefined, queue: { dir: join(folder, 'elsewhere') } });
    assert.match(reload().said, /queue\.dir cannot change/);

    configure({ ...good, rules: [{ path: '*.log' }] });
    writeFileSync(join(mount.queueDir, '..', 'k2hft.json'), '{"servers": {');
    assert.equal(reload().status, 78);

    spawnSync('sh', ['-c', `echo line >> ${join(mount.point, 'not-of-the-rule')}`]);
    await waitUntilDelivered(mount);
    assert.equal(arrivedAt(folder, 'not-of-the-rule'), 'line\n', 'the old rules are in force');
    const after = mount.status().processes;
    assert.deepEqual([after.worker, after.forwarder], [processes.worker, processes.forwarder]);

    configure(good);
    assert.equal(reload().status, 0);
    const none = spawnSync(process.execPath, [MOUNT_COMMAND, 'reload', folder], { encoding: 'utf8' });
    assert.equal(none.status, 69);
  },
);

void test('files that are open go on under the rule that matches now', { skip }, async (t) => {
  const folder = temporaryFolder(t);
  const server = await startServer(t, { folder });
  const { mount, configure, reload, arrivedAt } = await start(t, [server.url], {
    rules: [{ path: 'ends.log' }, { path: 'filtered.log' }],
  });
  const names = ['ends.log', 'filtered.log', 'begins.log'];
  const opened = names.map((name, index) => `exec ${index + 3}>>${join(mount.point, name)}`).join('; ');
  const program = startProcess(
    t,
    'sh',
    ['-c', `${opened}; echo opened; while read -r script; do eval "$script"; echo "did $script"; done`],
    { stdio: ['pipe', 'pipe', 'pipe'] },
  );
  await program.printed('opened');
  let steps = 0;
  const run = async (script: string) => {
    program.child.stdin?.write(`${script}; step=${++steps}\n`);
    await program.printed(`step=${steps}\n`);
  };
  for (const fd of [3, 4, 5]) await run(`echo whole >&${fd}; printf half >&${fd}`);
  configure({ rules: [{ path: 'filtered.log', deny: ['secret'] }, { path: 'begins.log' }] });
  assert.equal(reload().status, 0);
  for (const fd of [3, 4, 5]) await run(`echo 1 >&${fd}; echo secret >&${fd}; echo 2 >&${fd}`);
  program.child.stdin?.end();
  await program.ended;
  await waitUntilDelivered(mount);
  assert.equal(arrivedAt(folder, 'ends.log').trimEnd(), 'whole\nhalf');
  assert.equal(arrivedAt(folder, 'filtered.log'), 'whole\nhalf1\n2\n');
  assert.equal(arrivedAt(folder, 'begins.log'), '1\nsecret\n2\n');
});
