// `npm start`: a server and a mount in temporary folders on this machine, and lines that travel between them.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ARRIVE_MS = 20_000;
const LINES = ['the quick brown fox', 'jumps over', 'the lazy dog'];
const once = process.argv.includes('--once');

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  refuse(`k2hft needs Node.js 20.19 or later; this is ${process.versions.node}.`);
}
if (process.getuid?.() !== 0)
  refuse('k2hft mounts a file system, which needs root: run npm start as root (sudo npm start).');
if (!existsSync('/dev/fuse')) {
  refuse(
    'There is no /dev/fuse here: load the kernel module (modprobe fuse), or give the container the device (--device /dev/fuse).',
  );
}
const setup = spawnSync(process.execPath, ['scripts/setup.mjs'], {
  // What the build says is not part of what this shows.
  stdio: ['ignore', 2, 2],
});
if (setup.status !== 0) process.exit(setup.status ?? 1);

const folder = mkdtempSync(join(tmpdir(), 'k2hft-start-'));
const paths = {
  mount: join(folder, 'mount'),
  aggregated: join(folder, 'aggregated'),
  mountConfig: join(folder, 'k2hft.yaml'),
  serverConfig: join(folder, 'k2hft-svr.yaml'),
};
const children = [];
let ending = false;

try {
  await demonstrate();
} catch (error) {
  console.error(String(error instanceof Error ? error.message : error));
  await end(1);
}

async function demonstrate() {
  mkdirSync(paths.mount);
  writeFileSync(
    paths.serverConfig,
    `listen: ws://127.0.0.1:0\nstate_dir: ${join(folder, 'server-state')}\noutput:\n  dir: ${paths.aggregated}\n`,
  );
  const url = await started(
    'node_modules/.bin/k2hft-svr',
    ['-c', paths.serverConfig],
    /k2hft-svr: listening on (\S+)/,
  );
  writeFileSync(
    paths.mountConfig,
    `mount:\n  mode: virtual\nqueue:\n  dir: ${join(folder, 'queue')}\nservers:\n  urls: [${url}]\n` +
      `admin:\n  socket: ${join(folder, 'status.sock')}\nrules:\n  - path: "**"\n    send: lines\n`,
  );
  await started('node_modules/.bin/k2hft', ['mount', paths.mount, '-c', paths.mountConfig], /k2hft: mounted/);
  process.on('SIGINT', () => void end(0));
  process.on('SIGTERM', () => void end(0));

  const source = join(paths.mount, 'hello.log');
  const target = join(paths.aggregated, 'hello.log');
  const command = LINES.map((line) => `echo "${line}" >> ${source}`).join('\n');
  console.log(`\n$ ${command.replaceAll('\n', '\n$ ')}`);
  execFileSync('sh', ['-ec', command]);
  const expected = LINES.map((line) => `${line}\n`).join('');
  const complete = await arrives(target, expected);
  console.log(`$ cat ${target}`);
  process.stdout.write(existsSync(target) ? readFileSync(target, 'utf8') : '');
  if (!complete) throw new Error(`not all lines arrived in ${target} within ${ARRIVE_MS} ms`);
  console.log(`\nAll ${LINES.length} lines have arrived.`);
  if (once) await end(0);
  console.log(`
Write more:       echo "a line" >> ${paths.mount}/more.log
See it arrive:    tail -F ${paths.aggregated}/more.log
Look inside:      node_modules/.bin/k2hft status ${paths.mount}
The mount:        ${paths.mount}        (configuration ${paths.mountConfig})
The server:       ${url}, files in ${paths.aggregated}        (configuration ${paths.serverConfig})
Ctrl-C ends both and removes ${folder}.`);
}

/** Starts a program; resolves with what `pattern` finds first in its output. */
function started(program, args, pattern) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'], detached: true });
    children.push(child);
    let text = '';
    child.stderr.on('data', (chunk) => {
      text += chunk;
      process.stderr.write(chunk);
      const found = pattern.exec(text);
      if (found) resolve(found[1]);
    });
    child.once('error', reject);
    child.once('exit', (status) => {
      reject(new Error(`${program} ended with status ${status}`));
      if (!ending) void end(1);
    });
  });
}

async function arrives(file, expected) {
  const deadline = Date.now() + ARRIVE_MS;
  while (Date.now() < deadline) {
    if (existsSync(file) && readFileSync(file, 'utf8') === expected) return true;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return false;
}

/** Ends the mount first, so that it still finds the server, and removes the folder. */
async function end(status) {
  if (ending) return;
  ending = true;
  for (const child of children.reverse()) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await gone;
  }
  rmSync(folder, { recursive: true, force: true });
  process.exit(status);
}

/** One clear sentence, and out. */
function refuse(sentence) {
  console.error(sentence);
  process.exit(1);
}
