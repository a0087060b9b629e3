// Runs every test, or those whose path contains one of the arguments.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Whole-system tests run after the packages' own: what fails in a package fails more clearly there. */
const FOLDERS = ['wire', 'config', 'queue', 'fuse', 'plugin', 'forwarder', 'admin', 'mount', 'server'].map(
  (name) => `packages/${name}/dist/test`,
);
FOLDERS.push('bench/dist/test', 'test/dist');

/** Holds for a whole file as well, which takes two minutes at most on a quiet machine; one that hangs must not keep the others from being reported. */
const TEST_TIMEOUT_MS = 2_400_000;

function testFiles(folder) {
  let entries;
  try {
    entries = readdirSync(folder, { recursive: true });
  } catch {
    return [];
  }
  return entries.filter((name) => name.endsWith('.test.js')).map((name) => join(folder, name));
}

/** A test may be named as it is compiled, and as it is written, which is what documents name. */
function isNamed(file, part) {
  return file.includes(part) || file.replace('/dist', '').replace(/\.js$/, '.ts').includes(part);
}

const wanted = process.argv.slice(2);
const all = FOLDERS.flatMap(testFiles);
const unknown = wanted.filter((part) => !all.some((file) => isNamed(file, part)));
if (unknown.length > 0 || all.length === 0) {
  console.error(`no test matches: ${unknown.join(', ')}`);
  process.exit(1);
}
const files = all.filter((file) => wanted.length === 0 || wanted.some((part) => isNamed(file, part)));
const done = spawnSync(
  process.execPath,
  ['--enable-source-maps', '--test', '--test-concurrency=2', `--test-timeout=${TEST_TIMEOUT_MS}`, ...files],
  {
    stdio: ['ignore', 'inherit', 'inherit'],
  },
);
process.exit(done.status ?? 1);
