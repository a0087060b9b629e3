// Installs what the workspace needs and builds it. Quick when nothing has changed since the last time.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';

const NODE_LEAST = [20, 19];
const PNPM = `pnpm@${JSON.parse(readFileSync('package.json', 'utf8')).packageManager.split('@')[1]}`;
const STAMP = 'node_modules/.k2hft-setup';

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < NODE_LEAST[0] || (major === NODE_LEAST[0] && minor < NODE_LEAST[1])) {
  console.error(`k2hft needs Node.js ${NODE_LEAST.join('.')} or later; this is ${process.versions.node}.`);
  process.exit(1);
}

function run(command, args) {
  const done = spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  if (done.status !== 0) process.exit(done.status ?? 1);
}

/** What an installation depends on: the manifests and the lock file. */
function fingerprint() {
  const hash = createHash('sha256');
  for (const file of manifests()) hash.update(file).update(readFileSync(file));
  return hash.digest('hex');
}

function manifests() {
  const folders = [
    'packages/wire',
    'packages/config',
    'packages/queue',
    'packages/fuse',
    'packages/forwarder',
  ];
  folders.push('packages/mount', 'packages/server', 'bench', 'test', 'test/harness');
  return [
    'package.json',
    'pnpm-lock.yaml',
    'pnpm-workspace.yaml',
    ...folders.map((folder) => `${folder}/package.json`),
  ];
}

const wanted = fingerprint();
if (!existsSync(STAMP) || readFileSync(STAMP, 'utf8') !== wanted) {
  // npx reaches the pinned pnpm without a global installation.
  run('npx', ['--yes', PNPM, 'install', '--frozen-lockfile']);
  mkdirSync('node_modules', { recursive: true });
  writeFileSync(STAMP, wanted);
}
run(process.execPath, ['node_modules/typescript/bin/tsc', '-b']);
