import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { hasEnded, startProcess, temporaryFolder, undoAtEnd, waitUntil } from '@k2hft/test-harness';
import { keepLog, NEVER_MS, numberedLines, startPlugin } from './helpers.js';

const read = (path: string): string => (existsSync(path) ? readFileSync(path, 'utf8') : '');
const pidIn = (path: string): number => Number(read(path));

void test('what is written arrives in order, as fast as the plugin reads, and then its input ends', async (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, 'out');
  const plugin = startPlugin(t, `cat > ${file}`);
  const wanted: Buffer[] = [];
  for (let count = 0; count < 50; count++) {
    const lines = numberedLines(count * 2000, count * 2000 + 1999);
    wanted.push(lines);
    plugin.write(lines);
    if (plugin.waitingBytes > 1e6) await plugin.emptied();
  }
  await plugin.emptied();
  await plugin.stop();
  assert.ok(Buffer.concat(wanted).equals(readFileSync(file)));
  assert.equal(plugin.status().state, 'stopped');
  assert.equal(plugin.status().fedBytes, Buffer.concat(wanted).length);
});

void test('its standard input is a pipe that it can open by name', async (t) => {
  const file = join(temporaryFolder(t), 'out');
  const plugin = startPlugin(t, `cat /dev/stdin > ${file}; pwd >> ${file}`);
  plugin.write(Buffer.from('a line\n'));
  await waitUntil('it has read it', () => read(file) === 'a line\n');
  await plugin.stop();
  assert.equal(read(file), 'a line\n/\n');
});

void test('a plugin that does not read is given no more than its pipe holds, and nobody waits for it', async (t) => {
  let drains = 0;
  const plugin = startPlugin(t, 'kill -STOP $$; cat > /dev/null', { onDrain: () => drains++ });
  await waitUntil('it runs', () => plugin.status().pid !== undefined);
  const lines = numberedLines(1, 1000);
  let accepted = 0;
  // A write that waited would wait for ever.
  while (plugin.write(lines)) accepted += lines.length;
  assert.ok(accepted < 1024 * 1024, `${accepted} bytes were accepted`);
  assert.equal(drains, 0);
  const pid = plugin.status().pid ?? 0;
  await waitUntil('it stands still', () => /\) T/.test(read(`/proc/${pid}/stat`)));
  process.kill(pid, 'SIGCONT');
  await waitUntil('it asks for more', () => drains === 1);
  await plugin.emptied();
});

void test('one that dies is started again, and every process reads whole lines from its first byte on', async (t) => {
  const file = join(temporaryFolder(t), 'out');
  const kept = keepLog();
  // Reads three lines byte by byte, as the shell does, and dies.
  const plugin = startPlugin(
    t,
    `for n in 1 2 3; do read -r line || exit 0; echo "$line" >> ${file}; done; exit 3`,
    { log: kept.log },
  );
  const line = (number: number) => `${number} ${'x'.repeat(3000)}\n`;
  for (let number = 1; number <= 400; number++) plugin.write(Buffer.from(line(number)));
  await waitUntil('several have died', () => plugin.status().restarts >= 4);
  await plugin.emptied();
  await plugin.stop();
  const got = read(file).trimEnd().split('\n');
  assert.ok(
    got.every((text) => /^\d+ x{3000}$/.test(text)),
    'each line is whole',
  );
  const numbers = got.map((text) => parseInt(text, 10));
  assert.deepEqual(
    numbers,
    [...numbers].sort((a, b) => a - b),
    'in order',
  );
  assert.equal(new Set(numbers).size, numbers.length, 'none came twice');
  assert.ok(kept.has('plugin test: ended with status 3; it is started again'));
  assert.match(plugin.status().lastError?.message ?? '', /ended with status 3/);
});

void test('one that is killed is started again', async (t) => {
  const kept = keepLog();
  const plugin = startPlugin(t, 'exec cat > /dev/null', { log: kept.log });
  await waitUntil('it runs', () => plugin.status().pid !== undefined);
  process.kill(plugin.status().pid ?? 0, 'SIGKILL');
  await waitUntil('it is noticed', () => kept.has('was ended by SIGKILL'));
  plugin.write(Buffer.from('more\n'));
  await plugin.emptied();
  assert.equal(plugin.status().restarts, 1);
});

void test('one that closes its standard input is started again', async (t) => {
  const kept = keepLog();
  const plugin = startPlugin(t, 'exec 0<&-; sleep 0.2; exit 7', { log: kept.log });
  await waitUntil('it has ended', () => {
    plugin.write(Buffer.from('more\n'));
    return kept.has('ended with status 7');
  });
});

void test('a program that is not there is said, and tried again', async (t) => {
  const kept = keepLog();
  const folder = temporaryFolder(t);
  const program = join(folder, 'later');
  const plugin = startPlugin(t, '', { command: [program], log: kept.log });
  plugin.write(Buffer.from('kept\n'));
  await waitUntil('it is said', () =>
    kept.has(`plugin test: cannot start ${program}: spawn ${program} ENOENT`),
  );
  assert.equal(plugin.waitingBytes, 5);
  writeFileSync(program, `#!/bin/sh\ncat > ${folder}/out\n`, { mode: 0o755 });
  await waitUntil('it is there', () => read(`${folder}/out`) === 'kept\n');
  assert.equal(kept.lines.filter((line) => line.includes('cannot start')).length, 1, 'said once');
});

void test('what it says on its standard error is in the log', async (t) => {
  const kept = keepLog();
  startPlugin(t, 'echo "something is wrong" >&2; cat > /dev/null', { log: kept.log });
  await waitUntil('it is said', () => kept.has('warn: plugin test says: something is wrong'));
});

void test('one that ignores the end of its input gets SIGTERM, then SIGKILL, and its children with it', async (t) => {
  const folder = temporaryFolder(t);
  const pidFile = join(folder, 'pid');
  const plugin = startPlugin(
    t,
    `trap '' TERM; (trap '' TERM; while :; do sleep 1; done) & echo $! > ${pidFile}.new; mv ${pidFile}.new ${pidFile}; while :; do sleep 1; done`,
  );
  await waitUntil('it runs', () => existsSync(pidFile));
  const { pid } = plugin.status();
  await plugin.stop(50);
  assert.ok(pid !== undefined && hasEnded(pid));
  await waitUntil('its child has ended', () => hasEnded(pidIn(pidFile)));
});

void test('one that ends at SIGTERM is not killed', async (t) => {
  const folder = temporaryFolder(t);
  const plugin = startPlugin(
    t,
    `trap 'echo term > ${folder}/said; exit 0' TERM; echo > ${folder}/up; while :; do sleep 0.05; done`,
    { tuning: { termMs: NEVER_MS } },
  );
  await waitUntil('it runs', () => existsSync(`${folder}/up`));
  await plugin.stop(50);
  assert.equal(read(`${folder}/said`), 'term\n');
});

void test('what a dead plugin has left behind in its group is ended', async (t) => {
  const folder = temporaryFolder(t);
  startPlugin(t, `sleep 1000 & echo $! > ${folder}/new; mv ${folder}/new ${folder}/pid; exit 1`);
  await waitUntil('it has died', () => existsSync(`${folder}/pid`));
  const pid = pidIn(`${folder}/pid`);
  await waitUntil('its child has ended', () => hasEnded(pid));
});

void test('stop() before the process is there leaves nothing behind', async (t) => {
  const plugin = startPlugin(t, 'sleep 1000');
  await plugin.stop(0);
  assert.equal(plugin.status().pid, undefined);
  assert.equal(plugin.status().state, 'stopped');
});

void test('its output is appended to a file, and follows it when that is renamed or removed', async (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, 'deep/down/out');
  mkdirSync(join(folder, 'deep/down'), { recursive: true });
  writeFileSync(path, 'before\n');
  const plugin = startPlugin(t, 'exec cat', { stdout: { kind: 'file', path } });
  plugin.write(Buffer.from('one\n'));
  await waitUntil('it is written', () => read(path) === 'before\none\n');
  renameSync(path, `${path}.1`);
  await waitUntil('there is a new one', () => existsSync(path));
  plugin.write(Buffer.from('two\n'));
  await waitUntil('it is written', () => read(path) === 'two\n');
  rmSync(join(folder, 'deep'), { recursive: true });
  await waitUntil('there is a new one', () => existsSync(path));
  plugin.write(Buffer.from('three\n'));
  await waitUntil('it is written', () => read(path) === 'three\n');
});

void test('while a file is renamed all the time, every line is in one of them, in order', async (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, 'out');
  const plugin = startPlugin(t, 'exec cat', { stdout: { kind: 'file', path } });
  let number = 0;
  for (let turn = 1; turn <= 5; turn++) {
    await waitUntil('there is a file', () => {
      plugin.write(numberedLines(number, number + 99));
      number += 100;
      return read(path) !== '';
    });
    renameSync(path, `${path}.${turn}`);
  }
  await plugin.emptied();
  await plugin.stop();
  const all = [1, 2, 3, 4, 5].map((turn) => read(`${path}.${turn}`)).join('') + read(path);
  assert.equal(all, numberedLines(0, number - 1).toString());
});

void test('an output that cannot be opened is said, and tried again', async (t) => {
  const folder = temporaryFolder(t);
  const kept = keepLog();
  writeFileSync(join(folder, 'file'), '');
  const path = join(folder, 'file', 'out');
  startPlugin(t, 'exec cat', { stdout: { kind: 'file', path }, log: kept.log });
  await waitUntil('it is said', () => kept.has(`cannot open ${path} for its output`));
  rmSync(join(folder, 'file'));
  await waitUntil('it is there', () => existsSync(path));
});

void test('when we are killed, it reads the end of its input', async (t) => {
  const folder = temporaryFolder(t);
  const program = fileURLToPath(new URL('./plugin-owner.js', import.meta.url));
  const owner = startProcess(t, process.execPath, [
    program,
    `cat > ${folder}/out; echo end >> ${folder}/out`,
  ]);
  await waitUntil('it runs', () => read(`${folder}/out`) === 'a line\n');
  process.kill(owner.pid, 'SIGKILL');
  await waitUntil('it has read the end', () => read(`${folder}/out`) === 'a line\nend\n');
});

void test('at a fault of ours, it may end in order, and nothing stays behind that does not', async (t) => {
  const folder = temporaryFolder(t);
  const program = fileURLToPath(new URL('./plugin-owner.js', import.meta.url));
  const fault = async (script: string, graceMs: number): Promise<void> => {
    const owner = startProcess(t, process.execPath, [program, script, String(graceMs)]);
    await waitUntil('it runs', () => existsSync(`${folder}/pid`) && read(`${folder}/pid`).endsWith('\n'));
    process.kill(owner.pid, 'SIGUSR1');
    await owner.ended;
  };
  await fault(`echo $$ > ${folder}/pid; cat > ${folder}/out; echo end >> ${folder}/out`, NEVER_MS);
  assert.equal(read(`${folder}/out`), 'a line\nend\n');
  rmSync(`${folder}/pid`);
  await fault(`trap '' TERM; echo $$ > ${folder}/pid; while :; do sleep 0.1; done`, 100);
  const pid = Number(read(`${folder}/pid`));
  await waitUntil('it is gone', () => !existsSync(`/proc/${pid}`) || /\) Z /.test(read(`/proc/${pid}/stat`)));
});

void test('no other child holds the pipe open', async (t) => {
  const folder = temporaryFolder(t);
  const plugin = startPlugin(t, `cat > /dev/null; echo end > ${folder}/out`);
  await waitUntil('it runs', () => plugin.status().pid !== undefined);
  const other = spawn('sleep', ['100']);
  undoAtEnd(t, () => {
    other.kill('SIGKILL');
  });
  await plugin.stop();
  assert.equal(read(`${folder}/out`), 'end\n');
});
