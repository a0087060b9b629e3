import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  closeSync,
  fsyncSync,
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
  MOUNT_COMMAND,
  startMount,
  startProcess,
  startServer,
  temporaryFolder,
  undoAtEnd,
  waitUntil,
  whyNoMounts,
  whyNoSecondDriver,
  type Cleanup,
  type StartedProcess,
} from '@k2hft/test-harness';
import { childNamed, childOf } from './killing.js';
import { CONNECTED, pipelineOf, startPipeline, type Pipeline } from './pipeline.js';

/*
 * The risks of the second driver, fuse-native: its mount dies with its worker, and whoever mounts may be no root.
 */

const skip = whyNoMounts() ?? whyNoSecondDriver() ?? false;
const MODES = ['virtual', 'overlay'] as const;
/** The user and the group nobody, which own nothing. */
const NOBODY = 65_534;
const LIMIT_MS = 240_000;

function startSecond(t: Cleanup, mode: (typeof MODES)[number]): Promise<Pipeline> {
  return startPipeline(t, { settings: { mount: { mode, driver: 'fuse-native' } } });
}

function isMounted(point: string): boolean {
  return readFileSync('/proc/self/mountinfo', 'utf8').includes(` ${point} `);
}

/** Waits until another worker than this one serves. */
async function untilBack({ mount }: Pipeline, worker: number): Promise<void> {
  const isBack = () => {
    if ([undefined, worker].includes(childNamed(mount.process.pid, 'worker'))) return false;
    try {
      // A mount whose worker is dead is still there, and answers with ENOTCONN what the kernel does not know itself.
      readdirSync(mount.point);
    } catch {
      return false;
    }
    return isMounted(mount.point);
  };
  await waitUntil('it is mounted again', isBack);
}

function workerOf({ mount }: Pipeline): number {
  return childOf(mount.process.pid, 'worker');
}

for (const mode of MODES) {
  void test(`lines arrive once, and the end is in order (${mode})`, { skip }, async (t) => {
    const pipeline = await startSecond(t, mode);
    const lines = Array.from({ length: 1000 }, (_, index) => `line ${index}\n`);
    const fd = openSync(pipeline.inside('single.log'), 'a');
    for (const line of lines) writeSync(fd, line);
    // Waits for a checkpoint, which is the worker's own clock's to notice.
    fsyncSync(fd);
    closeSync(fd);
    mkdirSync(pipeline.inside('below'));
    appendFileSync(pipeline.inside('below/large.log'), `${'x'.repeat(99)}\n`.repeat(20_000));
    const open = openSync(pipeline.inside('open.log'), 'a');
    writeSync(open, 'unfinished');
    closeSync(open);
    assert.equal(readFileSync(pipeline.inside('single.log'), 'utf8'), lines.join(''));
    await pipeline.mount.stop();
    assert.equal(await pipeline.mount.process.ended, 0);
    assert.equal(isMounted(pipeline.mount.point), false);
    await pipeline.arrives('single.log', lines.join(''));
    await pipeline.arrives('below/large.log', `${'x'.repeat(99)}\n`.repeat(20_000));
    await pipeline.arrives('open.log', 'unfinished');
    assert.match(pipeline.mount.process.output(), /warn: the driver fuse-native/);
  });

  void test(
    `the worker is killed: the mount comes back, what was acknowledged arrives once (${mode})`,
    { skip },
    async (t) => {
      const pipeline = await startSecond(t, mode);
      const acknowledged: string[] = [];
      const unanswered: string[] = [];
      for (let round = 0; round < 4; round++) {
        const worker = workerOf(pipeline);
        const fd = openSync(pipeline.inside('app.log'), 'a');
        const kill = () => process.kill(worker, 'SIGKILL');
        writeUntilError(fd, `round ${round}`, kill, { acknowledged, unanswered });
        await untilBack(pipeline, worker);
      }
      appendFileSync(pipeline.inside('app.log'), 'last\n');
      acknowledged.push('last');
      const arrived = () => pipeline.arrived('app.log').toString().split('\n');
      await waitUntil('the last line arrives', () => arrived().includes('last'));
      const certain = arrived().filter((line) => line !== '' && !unanswered.includes(line));
      assert.deepEqual(certain, acknowledged);
      assert.equal(new Set(arrived()).size, arrived().length);
    },
  );
}

/** Writes numbered lines, one by one, and kills after a while. */
function writeUntilError(
  fd: number,
  name: string,
  kill: () => void,
  lines: { acknowledged: string[]; unanswered: string[] },
): void {
  for (let number = 0; ; number++) {
    const line = `${name} line ${number}`;
    if (number === 300) kill();
    try {
      writeSync(fd, `${line}\n`);
      lines.acknowledged.push(line);
    } catch (error) {
      assert.match(String((error as NodeJS.ErrnoException).code), /ENOTCONN|ECONNABORTED|EIO/);
      lines.unanswered.push(line);
      break;
    }
  }
  try {
    closeSync(fd);
  } catch {
    // There is nobody any more to tell of the close.
  }
}

void test('an unfinished line of a worker that was killed arrives', { skip }, async (t) => {
  const pipeline = await startSecond(t, 'virtual');
  const worker = workerOf(pipeline);
  const fd = openSync(pipeline.inside('app.log'), 'a');
  writeSync(fd, 'whole\nunfin');
  process.kill(worker, 'SIGKILL');
  await untilBack(pipeline, worker);
  assert.throws(() => writeSync(fd, 'ished\n'));
  appendFileSync(pipeline.inside('app.log'), 'next\n');
  await pipeline.arrives('app.log', 'whole\nunfin\nnext\n');
});

void test('a worker that is frozen is killed, and the mount comes back', { skip }, async (t) => {
  const pipeline = await startSecond(t, 'virtual');
  const worker = workerOf(pipeline);
  process.kill(worker, 'SIGSTOP');
  await untilBack(pipeline, worker);
  appendFileSync(pipeline.inside('app.log'), 'after\n');
  await pipeline.arrives('app.log', 'after\n');
  assert.match(pipeline.mount.process.output(), /the mount worker does not answer/);
});

void test('umount(8) ends it as well', { skip }, async (t) => {
  const pipeline = await startSecond(t, 'virtual');
  appendFileSync(pipeline.inside('app.log'), 'line\n');
  assert.equal(spawnSync('umount', [pipeline.mount.point]).status, 0);
  assert.equal(await pipeline.mount.process.ended, 0);
  await pipeline.arrives('app.log', 'line\n');
});

void test(
  'the supervisor is killed: the mount goes, and the next one sends the rest',
  { skip },
  async (t) => {
    const folder = temporaryFolder(t);
    const server = await startServer(t, { folder: join(folder, 'server') });
    const settings = { mount: { mode: 'virtual', driver: 'fuse-native' } };
    const options = { folder: join(folder, 'source'), urls: [server.url], settings };
    const first = await startMount(t, options);
    const worker = childOf(first.process.pid, 'worker');
    server.process.child.kill('SIGSTOP');
    appendFileSync(join(first.point, 'app.log'), 'one\n');
    first.process.child.kill('SIGKILL');
    await waitUntil('the mount is gone', () => !isMounted(first.point) && hasEnded(worker));
    server.process.child.kill('SIGCONT');
    const pipeline = pipelineOf(folder, server, await startMount(t, options));
    appendFileSync(pipeline.inside('app.log'), 'two\n');
    await pipeline.arrives('app.log', 'one\ntwo\n');
  },
);

void test('without libfuse 2 it says what to install', { skip }, (t) => {
  const folder = temporaryFolder(t);
  const breaking = join(folder, 'break.cjs');
  writeFileSync(
    breaking,
    `const Module = require('node:module');
     const load = Module._load;
     Module._load = function (name, ...rest) {
       if (name === 'fuse-native') throw new Error('libfuse.so.2: cannot open shared object file');
       return load.call(this, name, ...rest);
     };`,
  );
  const configuration = JSON.stringify({
    mount: { driver: 'fuse-native' },
    queue: { dir: join(folder, 'queue') },
    servers: { urls: ['ws://127.0.0.1:1'] },
  });
  const refused = spawnSync(process.execPath, [MOUNT_COMMAND, 'mount', folder, '--json', configuration], {
    encoding: 'utf8',
    timeout: LIMIT_MS,
    env: { ...process.env, NODE_OPTIONS: `--require=${breaking}` },
  });
  assert.equal(refused.status, 69, refused.stderr);
  assert.match(refused.stderr, /cannot be loaded \(libfuse\.so\.2.*install libfuse 2/);
});

interface UserPlace {
  folder: string;
  point: string;
  configuration: string;
  /** Runs a script as the user who mounts, where their mount is seen. */
  asUser(supervisor: StartedProcess, script: string): string;
  start(...args: string[]): StartedProcess;
}

/**
 * Lets nobody mount, in a mount namespace whose /dev/fuse is open to everybody, as on other machines, and whose
 * /etc/fuse.conf is empty.
 */
function userPlace(t: Cleanup, settings: Record<string, unknown>): UserPlace {
  const folder = temporaryFolder(t);
  const home = join(folder, 'home');
  const point = join(home, 'mount');
  chmodSync(folder, 0o755);
  for (const path of [home, point]) {
    mkdirSync(path);
    chownSync(path, NOBODY, NOBODY);
  }
  const configuration = join(folder, 'k2hft.json');
  const content = {
    mount: { mode: 'overlay', driver: 'fuse-native' },
    queue: { dir: join(home, 'queue'), min_free: '16MiB' },
    ...settings,
  };
  writeFileSync(configuration, JSON.stringify(content));
  const device = join(folder, 'fuse');
  const emptyFile = join(folder, 'fuse.conf');
  writeFileSync(emptyFile, '');
  const user = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', '--'];
  const enter =
    'mknod -m 666 "$0" c 10 229; mount --bind "$0" /dev/fuse; mount --bind "$1" /etc/fuse.conf; shift; exec "$@"';
  const env = { ...process.env, XDG_RUNTIME_DIR: home };
  return {
    folder,
    point,
    configuration,
    asUser(supervisor, script) {
      const inside = ['-t', String(supervisor.pid), '-m', ...user, 'sh', '-euc', script];
      const done = spawnSync('nsenter', inside, { encoding: 'utf8', timeout: LIMIT_MS, env });
      assert.equal(done.status, 0, done.stderr);
      return done.stdout;
    },
    start(...args) {
      const command = [process.execPath, MOUNT_COMMAND, 'mount', point, '-c', configuration, ...args];
      const namespace = ['-m', '--propagation', 'private', 'sh', '-euc', enter, device, emptyFile];
      const started = startProcess(t, 'unshare', [...namespace, ...user, ...command], { env });
      undoAtEnd(t, async () => {
        started.child.kill('SIGTERM');
        const timer = setTimeout(() => started.child.kill('SIGKILL'), LIMIT_MS);
        await started.ended;
        clearTimeout(timer);
      });
      return started;
    },
  };
}

void test('a user without root mounts, and ends it', { skip }, async (t) => {
  const serverFolder = join(temporaryFolder(t), 'server');
  const server = await startServer(t, { folder: serverFolder });
  const place = userPlace(t, { servers: { urls: [server.url] } });
  const started = place.start('-o', 'noatime');
  await started.printed(`k2hft: mounted ${place.point}`);
  assert.match(started.output(), /only programs of this user can use the mount/);
  await started.printed(CONNECTED);
  const { point } = place;
  place.asUser(
    started,
    `cd ${point}; mkdir d; echo one >>d/app.log; echo two >>d/app.log; mv d/app.log d/old.log`,
  );
  assert.equal(place.asUser(started, `stat -c %u ${point}/d/old.log`), `${NOBODY}\n`);
  const before = childOf(started.pid, 'worker');
  process.kill(before, 'SIGKILL');
  await waitUntil(
    'there is another worker',
    () => ![undefined, before].includes(childNamed(started.pid, 'worker')),
  );
  place.asUser(started, `until ls ${point} && grep -q ' ${point} ' /proc/self/mountinfo; do sleep 0.1; done`);
  place.asUser(started, `echo three >>${point}/d/new.log`);
  place.asUser(started, `${process.execPath} ${MOUNT_COMMAND} umount ${point}`);
  assert.equal(await started.ended, 0);
  const arrived = (name: string) => readFileSync(join(serverFolder, 'output/d', name), 'utf8');
  assert.equal(arrived('app.log'), 'one\ntwo\n');
  assert.equal(arrived('new.log'), 'three\n');
});

void test('a user without root is told what is not permitted', { skip }, async (t) => {
  const servers = { urls: ['ws://127.0.0.1:1'] };
  const others = userPlace(t, { servers }).start('-o', 'allow_other');
  assert.equal(await others.ended, 77);
  assert.match(others.output(), /\/etc\/fuse\.conf has a line user_allow_other/);
  const given = userPlace(t, { servers, mount: { driver: 'fuse-native', allow_other: 'yes' } }).start();
  assert.equal(await given.ended, 77);
  const queue = { dir: join(temporaryFolder(t), 'queue') };
  const noQueue = userPlace(t, { servers, queue }).start();
  assert.equal(await noQueue.ended, 77);
  assert.match(noQueue.output(), /queue directory .* cannot be written by this user/);
  const kernel = userPlace(t, { servers, mount: { driver: 'kernel' } }).start();
  assert.equal(await kernel.ended, 77);
  assert.match(kernel.output(), /mounting needs root.*or choose mount\.driver: fuse-native/);
});
