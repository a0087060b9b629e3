import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  childrenOf,
  freePort,
  hasEnded,
  MOUNT_COMMAND,
  sendSignal,
  sleep,
  startMount,
  startProcess,
  startServer,
  temporaryFolder,
  waitUntil,
  whyNoMounts,
  type Cleanup,
  type RunningServer,
} from '@k2hft/test-harness';

const skip = whyNoMounts() ?? false;
const KILL_MS = 8000;

interface Sending {
  readonly folder: string;
  /** The mount point. */
  readonly point: string;
  readonly server: RunningServer;
  readonly urls: string[];
  /** Arguments of node for `k2hft send`. */
  command(...args: string[]): string[];
  send(...args: string[]): { status: number | null; said: string };
  arrived(name: string): string;
}

/** A server, and the configuration of a mount that is not mounted. */
async function startSending(
  cleanup: Cleanup,
  settings: { rules?: Record<string, unknown>[]; output?: Record<string, unknown> } = {},
): Promise<Sending> {
  const folder = temporaryFolder(cleanup);
  const { rules, output } = settings;
  const server = await startServer(cleanup, {
    folder: join(folder, 'server'),
    port: await freePort(),
    ...(output && { output }),
  });
  const source = join(folder, 'source');
  const point = join(source, 'mount');
  mkdirSync(point, { recursive: true });
  const file = join(source, 'send.json');
  const configuration = {
    mount: { mode: 'virtual', point },
    queue: { dir: join(source, 'queue'), min_free: '16MiB' },
    servers: { urls: [server.url] },
    ...(rules && { rules }),
  };
  writeFileSync(file, JSON.stringify(configuration));
  const command = (...args: string[]) => [MOUNT_COMMAND, 'send', '-c', file, ...args];
  return {
    folder: source,
    point,
    server,
    urls: [server.url],
    command,
    send: (...args) => {
      const done = spawnSync(process.execPath, command(...args), { encoding: 'utf8', cwd: source });
      return { status: done.status, said: done.stderr };
    },
    arrived: (name) => {
      const path = join(folder, 'server', 'output', name);
      return existsSync(path) ? readFileSync(path, 'latin1') : '';
    },
  };
}

function lines(first: number, last: number): string {
  return Array.from({ length: last - first + 1 }, (_, index) => `line ${first + index}\n`).join('');
}

void test('what a virtual mount hides is sent once, and the mount stays as it is', { skip }, async (t) => {
  const sending = await startSending(t);
  mkdirSync(join(sending.point, 'app'));
  writeFileSync(join(sending.point, 'app', 'a.log'), lines(1, 1000));
  writeFileSync(join(sending.point, 'b.log'), 'b\n');
  const mount = await startMount(t, { folder: sending.folder, urls: sending.urls, mode: 'virtual' });
  assert.equal(spawnSync('ls', [mount.point], { encoding: 'utf8' }).stdout, '', 'they are hidden');
  spawnSync('sh', ['-c', `echo seen > ${mount.point}/c.log`]);
  const sent = sending.send(join(mount.point, 'app'), join(mount.point, 'b.log'));
  assert.deepEqual(sent.status, 0, sent.said);
  assert.match(sent.said, /delivered 1001 records/);
  assert.equal(sending.arrived('app/a.log'), lines(1, 1000));
  assert.equal(sending.arrived('b.log'), 'b\n');
  const again = sending.send(mount.point);
  assert.equal(again.status, 0, again.said);
  assert.match(again.said, /nothing new to send/);
  assert.equal(sending.arrived('app/a.log'), lines(1, 1000));
  assert.equal(spawnSync('cat', [join(mount.point, 'c.log')], { encoding: 'utf8' }).stdout, 'seen\n');
  await waitUntil('what was written into the mount arrives', () => sending.arrived('c.log') === 'seen\n');
  const missing = sending.send(join(mount.point, 'c.log'));
  assert.equal(missing.status, 66, 'c.log is in the mount, and not below it');
  symlinkSync(mount.point, join(sending.folder, 'alias'));
  assert.equal(sending.send(join(sending.folder, 'alias', 'c.log')).status, 66, 'under each of its names');
  await mount.stop();
});

void test(
  'a file that was renamed goes on under its old path when that is chosen for it',
  { skip },
  async (t) => {
    const sending = await startSending(t, { rules: [{ path: '*.log' }] });
    const [file, rotated] = [join(sending.point, 'a.log'), join(sending.point, 'a.log.1')];
    writeFileSync(file, lines(1, 3));
    assert.equal(sending.send(file).status, 0);
    appendFileSync(file, lines(4, 5));
    renameSync(file, rotated);
    writeFileSync(file, lines(6, 6));
    const sent = sending.send('--as', 'a.log', rotated);
    assert.equal(sent.status, 0, sent.said);
    assert.match(sent.said, /delivered 2 records/);
    assert.equal(sending.send('--as', 'a.log', file).status, 0);
    assert.equal(sending.arrived('a.log'), lines(1, 6));
  },
);

void test('a repeated call sends what was added, under whatever name', { skip }, async (t) => {
  const sending = await startSending(t);
  const log = join(sending.point, 'x.log');
  writeFileSync(log, 'one\ntw');
  assert.equal(sending.send('mount/x.log').status, 0);
  assert.equal(sending.arrived('x.log'), 'one\ntw');
  appendFileSync(log, 'o\nthree\n');
  // Named twice, and sent once.
  assert.equal(sending.send('mount/x.log', 'mount').status, 0);
  assert.equal(sending.arrived('x.log'), 'one\ntwo\nthree\n');
  // Rotated: the old file goes on under its new name, the new one begins.
  appendFileSync(log, 'four\n');
  renameSync(log, `${log}.1`);
  writeFileSync(log, 'five\n');
  const rotated = sending.send('mount');
  assert.match(rotated.said, /x\.log is another file/);
  assert.equal(sending.arrived('x.log'), 'one\ntwo\nthree\nfive\n');
  assert.equal(sending.arrived('x.log.1'), 'four\n');
  // Cut, and written anew up to a greater length.
  writeFileSync(log, '6\n');
  assert.match(sending.send('mount').said, /was cut/);
  writeFileSync(log, 'seven, longer\n');
  assert.match(sending.send('mount').said, /written anew/);
  assert.equal(sending.arrived('x.log'), 'one\ntwo\nthree\nfive\n6\nseven, longer\n');
});

void test(
  'records carry the path, the host and the time of last change of their file',
  { skip },
  async (t) => {
    const sending = await startSending(t, {
      output: { format: '%F %H %T %L', time_format: '%s', path: 'all' },
    });
    const log = join(sending.point, 'x.log');
    writeFileSync(log, 'one\n');
    utimesSync(log, 1_580_702_706, 1_580_702_706);
    const sent = sending.send('mount/x.log');
    assert.equal(sent.status, 0, sent.said);
    assert.equal(sending.arrived('all'), `x.log ${hostname()} 1580702706 one\n`);
  },
);

void test(
  'rules decide: what they drop is dropped, what they do not send is refused',
  { skip },
  async (t) => {
    const sending = await startSending(t, {
      rules: [
        { path: 'quiet/**', send: 'no' },
        { path: '*.bin', send: 'binary' },
        { path: 'elsewhere.txt' },
        { path: '*.log', deny: ['debug'], rewrite: [['secret=\\S+', 'secret=*']] },
      ],
    });
    const log = join(sending.point, 'x.log');
    writeFileSync(log, 'a debug\nb secret=1\nc debu');
    mkdirSync(join(sending.point, 'quiet'));
    writeFileSync(join(sending.point, 'quiet', 'q'), 'q\n');
    writeFileSync(join(sending.point, 'other.txt'), 'o\n');
    const bytes = Buffer.alloc(3_000_000, 'binary \0\n\xff', 'latin1');
    writeFileSync(join(sending.point, 'y.bin'), bytes);
    symlinkSync('x.log', join(sending.point, 'link.log'));
    const sent = sending.send('mount');
    assert.equal(sent.status, 0, sent.said);
    assert.match(sent.said, /waits for the next call/);
    assert.equal(sending.arrived('x.log'), 'b secret=*\n');
    assert.equal(sending.arrived('y.bin'), bytes.toString('latin1'));
    assert.equal(sending.arrived('quiet/q') + sending.arrived('other.txt') + sending.arrived('link.log'), '');
    appendFileSync(log, 'g\nd');
    sending.send('mount/x.log');
    assert.equal(sending.arrived('x.log'), 'b secret=*\n');
    assert.equal(sending.send('--finish', 'mount/x.log').status, 0);
    assert.equal(sending.arrived('x.log'), 'b secret=*\nd');
    for (const name of ['mount/quiet/q', 'mount/link.log', 'mount/nothing', 'send.json'])
      assert.equal(sending.send(name).status, 66, name);
    assert.equal(sending.send('--as', 'from/elsewhere.log', 'send.json').status, 66, 'no rule sends it');
    assert.equal(sending.send('--as', 'elsewhere.txt', 'send.json').status, 0);
    assert.equal(sending.arrived('elsewhere.txt'), readFileSync(join(sending.folder, 'send.json'), 'utf8'));
  },
);

void test(
  'without a server it keeps trying, gives up when told so, and the next call delivers',
  { skip },
  async (t) => {
    const sending = await startSending(t);
    writeFileSync(join(sending.point, 'x.log'), lines(1, 5000));
    const port = Number(new URL(sending.server.url).port);
    await sending.server.stop();
    const waiting = startProcess(t, process.execPath, sending.command('mount/x.log'), {
      cwd: sending.folder,
    });
    await waiting.printed('to be delivered');
    const second = sending.send('mount/x.log');
    assert.equal(second.status, 69, second.said);
    assert.match(second.said, /in use by process \d+ \(k2hft send\)/);
    waiting.child.kill('SIGTERM');
    assert.equal(await waiting.ended, 75, waiting.output());
    assert.match(waiting.output(), /wait in the queue for the next call/);
    // Without being told, it would not give up at all: nobody sends it a signal this time.
    assert.equal(sending.send('--timeout', '1s', 'mount/x.log').status, 75);
    await startServer(t, { folder: join(sending.folder, '..', 'server'), port });
    const sent = sending.send('mount/x.log');
    assert.equal(sent.status, 0, sent.said);
    assert.match(sent.said, /what an earlier call had left in the queue is delivered; nothing new/);
    assert.equal(sending.arrived('x.log'), lines(1, 5000));
  },
);

void test('killed again and again while a file grows, it sends each line once', { skip }, async (t) => {
  const sending = await startSending(t);
  mkdirSync(join(sending.point, 'd'));
  // Opened before the mount: what is written to it goes to the file below.
  const log = openSync(join(sending.point, 'd', 'x.log'), 'a');
  t.after(() => {
    closeSync(log);
  });
  let written = 0;
  const write = (count: number) => {
    writeSync(log, lines(written + 1, written + count));
    written += count;
  };
  await startMount(t, { folder: sending.folder, urls: sending.urls, mode: 'virtual' });
  let [kills, ends] = [0, 0];
  for (const endsAt = Date.now() + KILL_MS; Date.now() < endsAt;) {
    write(300_000);
    const sender = startProcess(t, process.execPath, sending.command(join(sending.point, 'd')));
    await Promise.race([sender.ended, sleep(500 + Math.random() * 900)]);
    if (hasEnded(sender.child.pid ?? 0)) {
      ends++;
      continue;
    }
    // The one that sends first: it would else end in order when the one that started it is gone.
    const both = [...childrenOf(sender.child.pid ?? 0), sender.child.pid ?? 0];
    for (const pid of both) sendSignal(pid, 'SIGKILL');
    await sender.ended;
    kills++;
  }
  await waitUntil('the last one has let the queue go', () => {
    const sent = sending.send(join(sending.point, 'd'));
    assert.ok(sent.status === 0 || sent.status === 69, sent.said);
    return sent.status === 0;
  });
  assert.equal(sending.arrived('d/x.log'), lines(1, written));
  t.diagnostic(`${kills} killed, ${ends} ended, ${written} lines`);
});
