import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import {
  childrenOf,
  freePort,
  hasEnded,
  mountStatus,
  MOUNT_COMMAND,
  SERVER_COMMAND,
  startProcess,
  startServer,
  temporaryFolder,
  undoAtEnd,
  waitUntil,
  whyNoMounts,
  type Cleanup,
} from '@k2hft/test-harness';
import { CONNECTED } from './pipeline.js';

const skip = whyNoMounts() ?? false;
/** mount(8) and umount(8) look for their helpers here and nowhere else. */
const HELPERS = {
  '/sbin/mount.k2hft': join(dirname(MOUNT_COMMAND), 'mount.k2hft.js'),
  '/sbin/mount.fuse.k2hft': join(dirname(MOUNT_COMMAND), 'mount.k2hft.js'),
  '/sbin/umount.fuse.k2hft': join(dirname(MOUNT_COMMAND), 'umount.k2hft.js'),
};
const whyNoHelpers = Object.keys(HELPERS).some((path) => existsSync(path))
  ? 'helpers of mount(8) are installed already'
  : undefined;
/** A command that hangs must not keep the others from being tested. */
const LIMIT_MS = 240_000;

/** Their text is longer than the 128 KiB that Linux takes as one argument or variable of a program. */
const LONG_RULES = [
  { path: '**' },
  ...Array.from({ length: 2_000 }, (_, index) => ({
    path: `never-written-${index}/*.log`,
    allow: [`${index} .* of it`],
  })),
];

interface Place {
  folder: string;
  point: string;
  configuration: string;
  logFile: string;
  /** What has arrived of a path. */
  arrived: (name: string) => string;
}

/** A server, and everything that a mount to it needs; what is mounted there is unmounted at the end. */
async function prepare(t: Cleanup, settings: Record<string, unknown> = {}): Promise<Place> {
  const folder = temporaryFolder(t);
  const server = await startServer(t, { folder: join(folder, 'server') });
  const point = join(folder, 'mount');
  mkdirSync(point);
  const configuration = join(folder, 'k2hft.json');
  const content = {
    mount: { mode: 'virtual' },
    queue: { dir: join(folder, 'queue'), min_free: '16MiB' },
    servers: { urls: [server.url] },
    ...settings,
  };
  writeFileSync(configuration, JSON.stringify(content));
  unmountAtEnd(t, point);
  const output = join(folder, 'server/output');
  const arrived = (name: string) =>
    existsSync(join(output, name)) ? readFileSync(join(output, name), 'utf8') : '';
  return { folder, point, configuration, logFile: join(folder, 'log'), arrived };
}

function unmountAtEnd(t: Cleanup, point: string): void {
  undoAtEnd(t, () => {
    if (mountedOn(point) === undefined) return;
    run(process.execPath, MOUNT_COMMAND, 'umount', point);
    if (mountedOn(point) !== undefined) run('umount', '-i', '-c', '-f', '-l', point);
  });
}

function run(command: string, ...args: string[]) {
  return spawnSync(command, args, { encoding: 'utf8', timeout: LIMIT_MS });
}

function k2hft(...args: string[]) {
  return run(process.execPath, MOUNT_COMMAND, ...args);
}

/** The line of mountinfo; undefined when nothing is mounted there. */
function mountedOn(point: string): string | undefined {
  const lines = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  return lines.find((line) => line.includes(` ${point} `));
}

/** The supervisor, its children and theirs. */
function processesOf(point: string): number[] {
  const { supervisor } = mountStatus(point).processes;
  return [supervisor, ...childrenOf(supervisor)];
}

function writeInside(point: string, name: string, text: string): void {
  assert.equal(run('sh', '-c', `printf '${text}' >>"$0"`, join(point, name)).status, 0);
}

void test(
  'a line of fstab is mounted by mount(8), and umount(8) ends everything in order',
  { skip: skip || (whyNoHelpers ?? false) },
  async (t) => {
    const { folder, point, configuration, logFile, arrived } = await prepare(t);
    for (const [path, target] of Object.entries(HELPERS)) {
      symlinkSync(target, path);
      undoAtEnd(t, () => {
        rmSync(path);
      });
    }
    // Left last, so that it is done while the helpers are there.
    unmountAtEnd(t, point);
    const fstab = join(folder, 'fstab');
    const options = `defaults,nosuid,nofail,_netdev,x-systemd.device-timeout=3,allow_other,log_file=${logFile}`;
    writeFileSync(fstab, `${configuration} ${point} k2hft ${options} 0 0\n`);

    const mounted = run('mount', '-T', fstab, point);
    assert.equal(mounted.status, 0, mounted.stderr);
    assert.match(
      mountedOn(point) ?? '',
      new RegExp(`nosuid.* - fuse\\.k2hft ${configuration} .*allow_other`),
    );
    const source = run('findmnt', '--noheadings', '--output', 'SOURCE,FSTYPE', point).stdout;
    assert.match(source, new RegExp(`^${configuration} +fuse\\.k2hft\\n$`));
    assert.match(run('df', point).stdout, /k2hft\.json/);
    const processes = processesOf(point);
    const again = run('mount', '-a', '-T', fstab);
    assert.equal(again.status, 0, again.stderr);
    assert.deepEqual(processesOf(point), processes, 'mount -a mounts nothing twice');
    const changed = run('mount', '-o', 'remount,ro', point);
    assert.equal(changed.status, 1);
    assert.match(changed.stderr, /umount it and mount it again/);

    await waitUntil('it is connected', () => CONNECTED.test(readFileSync(logFile, 'utf8')));
    writeInside(point, 'a.log', 'one\\nunfinished');
    const user = startProcess(t, 'sh', [
      '-c',
      'exec 3>>"$0"; echo open; exec sleep 10000',
      join(point, 'b.log'),
    ]);
    await user.printed('open');
    const busy = run('umount', point);
    assert.equal(busy.status, 32, busy.stderr);
    assert.match(busy.stderr, /busy/);
    user.child.kill('SIGKILL');
    await user.ended;
    const unmounted = run('umount', point);
    assert.equal(unmounted.status, 0, unmounted.stderr);
    assert.equal(mountedOn(point), undefined);
    for (const pid of processes) assert.ok(hasEnded(pid), `process ${pid} has ended when umount has`);
    assert.match(readFileSync(logFile, 'utf8'), new RegExp(`unmounted ${point}`));
    await waitUntil('the unfinished line arrives', () => arrived('a.log') === 'one\nunfinished');

    assert.equal(run('mount', '-T', fstab, point).status, 0, 'it can be mounted again at once');
    writeInside(point, 'c.log', 'two\\n');
    await waitUntil('the line arrives', () => arrived('c.log') === 'two\n');
    assert.equal(run('umount', point).status, 0);
    assert.equal(run('mount', '-f', '-T', fstab, point).status, 0);
    assert.equal(mountedOn(point), undefined, 'mount -f mounts nothing');
    const json = JSON.stringify(JSON.parse(readFileSync(configuration, 'utf8'))).replaceAll(',', '\\,');
    const byText = run('mount', '-t', 'k2hft', '-o', `json=${json},log_file=${logFile}`, 'any-name', point);
    assert.equal(byText.status, 0, byText.stderr);
    assert.match(mountedOn(point) ?? '', / - fuse\.k2hft any-name /);
    assert.equal(run('umount', point).status, 0);
    const rows: [status: number, expected: RegExp, ...args: string[]][] = [
      [32, /there is no such file/, '/nowhere.yaml', point],
      [
        1,
        /unknown option "alow_other" in -o; is allow_other meant/,
        '-o',
        'alow_other',
        configuration,
        point,
      ],
      [32, /cannot mount on/, configuration, join(folder, 'k2hft.json')],
    ];
    for (const [status, expected, ...args] of rows) {
      const failed = run('mount', '-t', 'k2hft', ...args);
      assert.equal(failed.status, status, failed.stderr);
      assert.match(failed.stderr, expected);
    }
  },
);

void test(
  '--daemon returns when the mount is served, and leaves nothing of its caller',
  { skip },
  async (t) => {
    const { folder, point, configuration, logFile, arrived } = await prepare(t, { rules: LONG_RULES });
    const pidFile = join(folder, 'pid');
    const args = [
      'mount',
      point,
      '-c',
      configuration,
      '--daemon',
      '--log-file',
      logFile,
      '--pid-file',
      pidFile,
    ];
    const started = k2hft(...args);
    assert.equal(started.status, 0, started.stderr);
    assert.equal(started.stderr, `k2hft: mounted ${point}\n`);
    const [supervisor = 0, ...children] = processesOf(point);
    assert.equal(readFileSync(pidFile, 'utf8'), `${supervisor}\n`);
    assert.ok(children.length >= 2);
    // Fields behind the name: state, parent, process group, session, terminal.
    const stat = readFileSync(`/proc/${supervisor}/stat`, 'latin1');
    const [, , , session, terminal] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    assert.equal(Number(session), supervisor);
    assert.equal(Number(terminal), 0);
    assert.equal(readlinkSync(`/proc/${supervisor}/cwd`), '/');
    assert.equal(readlinkSync(`/proc/${supervisor}/fd/0`), '/dev/null');
    for (const pid of [supervisor, ...children.slice(0, 1)])
      assert.equal(readlinkSync(`/proc/${pid}/fd/2`), logFile);

    const second = k2hft(...args);
    assert.equal(second.status, 69);
    assert.match(second.stderr, /^k2hft: .* is mounted by k2hft already/m);
    assert.equal(readFileSync(pidFile, 'utf8'), `${supervisor}\n`);
    writeInside(point, 'a.log', 'line\\n');
    await waitUntil('the line arrives', () => arrived('a.log') === 'line\n');
    assert.equal(k2hft('umount', point).status, 0);
    for (const pid of [supervisor, ...children]) assert.ok(hasEnded(pid));
    assert.ok(!existsSync(pidFile));
    assert.match(readFileSync(logFile, 'utf8'), /connected[^]*unmounted/);
  },
);

void test('--daemon ends with the reason and the status of what went wrong', { skip }, async (t) => {
  const { folder, point, configuration, logFile } = await prepare(t);
  const wrong = join(folder, 'wrong.json');
  writeFileSync(wrong, '{"mont": {}}');
  const rows: [status: number, expected: RegExp, ...args: string[]][] = [
    [78, /mont/, point, '-c', wrong],
    [69, /cannot mount on .*nowhere/, join(folder, 'nowhere'), '-c', configuration],
    [69, /cannot write the log file/, point, '-c', configuration, '--log-file', join(folder, 'no/log')],
    [69, /cannot write the pid file/, point, '-c', configuration, '--pid-file', join(folder, 'no/pid')],
    [64, /contradict/, point, '-c', configuration, '-f'],
  ];
  for (const [status, expected, ...args] of rows) {
    const failed = k2hft('mount', '--daemon', '--log-file', logFile, ...args);
    assert.equal(failed.status, status, failed.stderr);
    assert.match(failed.stderr, expected);
    assert.equal(mountedOn(point), undefined);
  }
});

void test('-o lists win over the file', { skip }, async (t) => {
  const { point, configuration, logFile } = await prepare(t, {
    mount: { mode: 'virtual', uid: 0, umask: '000' },
  });
  const lists = ['-o', `CONF=${configuration},uid=daemon,gid=1,umask=027`];
  lists.push('-o', `noexec,rw,enable_run_chmpx,dbglevel=DUMP,dbglevel=msg,log_file=${logFile}`);
  const mounted = k2hft('mount', point, '--daemon', ...lists);
  assert.equal(mounted.status, 0, mounted.stderr);
  const { uid, gid, mode } = statSync(point);
  assert.deepEqual([uid, gid, mode & 0o777], [1, 1, 0o750]);
  assert.match(mountedOn(point) ?? '', /rw,noexec/);
  assert.equal(k2hft('umount', point).status, 0);
  assert.match(readFileSync(logFile, 'utf8'), /^k2hft: mount options without effect: enable_run_chmpx$/m);
  rmSync(logFile);
  assert.equal(k2hft('mount', point, '--daemon', ...lists, '-o', 'dbglevel=silent').status, 0);
  assert.equal(k2hft('umount', point).status, 0);
  assert.equal(readFileSync(logFile, 'utf8'), '');
  const rows: [expected: RegExp, ...args: string[]][] = [
    [/unknown option "dbglvl" in -o; is dbglevel meant/, '-o', 'dbglvl=err'],
    [/given more than once/, '-o', `conf=${configuration}`, '-c', configuration],
    [/given twice/, '-o', `conf=${configuration}`, '-o', 'json={}'],
    [/there is no such user/, '-o', `conf=${configuration},uid=nobody-at-all`],
  ];
  for (const [expected, ...args] of rows) {
    const failed = k2hft('mount', point, ...args);
    assert.equal(failed.status, 64, failed.stderr);
    assert.match(failed.stderr, expected);
  }
});

void test("K2HFTFUSE's command lines and configuration work with the name changed", { skip }, async (t) => {
  const folder = temporaryFolder(t);
  const point = join(folder, 'mount');
  mkdirSync(point);
  const file = join(folder, 'k2hftfuse.ini');
  writeFileSync(file, legacyConfiguration(folder, await freePort()));
  const server = startProcess(t, process.execPath, [SERVER_COMMAND, '-CONF', file, '-D', 'msg']);
  await server.printed(/k2hft-svr: listening on/);
  unmountAtEnd(t, point);
  const collected = join(folder, 'collected/log/a.log');
  const arrives = (expected: string) =>
    waitUntil(
      `${expected} arrives`,
      () => existsSync(collected) && readFileSync(collected, 'utf8') === expected,
    );

  const foreground = startProcess(t, process.execPath, [
    MOUNT_COMMAND,
    point,
    '-f',
    '-d',
    '-o',
    `conf=${file}`,
  ]);
  await foreground.printed(`k2hft: mounted ${point}`);
  writeInside(point, 'log/a.log', 'x INFO 1\\nx DEBUG 2\\n');
  await arrives('x INFO 1\n');
  foreground.child.kill('SIGTERM');
  assert.equal(await foreground.ended, 0, foreground.output());

  const logFile = join(folder, 'log');
  const environment = { ...process.env, K2HFTCONFFILE: file, K2HFTDBGMODE: 'MSG', K2HFTDBGFILE: logFile };
  const background = spawnSync(process.execPath, [MOUNT_COMMAND, point, '-o', 'allow_other'], {
    encoding: 'utf8',
    env: environment,
    timeout: LIMIT_MS,
  });
  assert.equal(background.status, 0, background.stderr);
  writeInside(point, 'log/a.log', 'x INFO 3\\n');
  await arrives('x INFO 1\nx INFO 3\n');
  const processes = processesOf(point);
  // Without a helper, umount(8) does not wait for their end.
  assert.equal(run('umount', '-i', point).status, 0);
  await waitUntil('the processes end', () => processes.every(hasEnded));
  assert.match(readFileSync(logFile, 'utf8'), /connected[^]*unmounted/);
});

function legacyConfiguration(folder: string, port: number): string {
  return `
[GLOBAL]
FILEVERSION = 1
GROUP = TEST
MODE = SERVER
DELIVERMODE = random
PORT = ${port}
CTLPORT = 8021
SELFCTLPORT = 8021
[SVRNODE]
NAME = localhost
[SLVNODE]
NAME = [.]*
[K2HFTFUSE]
K2HTYPE = file
K2HFILE = ${folder}/queue.k2h
[K2HFTFUSE_RULE]
TARGET = log/a.log
TRUNS = on
DEFAULTALL = DENY
ALLOW = INFO
[K2HFTFUSESVR]
TYPE = file
FILE_BASEDIR = ${folder}/collected
STATEDIR = ${folder}/state
`;
}

void test('a pipe that nobody reads any more does not end a mount', { skip }, async (t) => {
  const { point, configuration, arrived } = await prepare(t);
  const script = `"$1" "$2" mount "$3" -c "$4" -o dbglevel=dump 2>&1 | head -n 1`;
  const shell = startProcess(t, 'sh', [
    '-c',
    script,
    'sh',
    process.execPath,
    MOUNT_COMMAND,
    point,
    configuration,
  ]);
  await waitUntil('it is mounted', () => mountedOn(point) !== undefined);
  await waitUntil('it is served', () => k2hft('status', point).status === 0);
  await shell.printed(/\n/);
  appendFileSync(join(point, 'a.log'), 'line\n');
  await waitUntil('the line arrives', () => arrived('a.log') === 'line\n');
  assert.equal(k2hft('umount', point).status, 0);
  await shell.ended;
});
