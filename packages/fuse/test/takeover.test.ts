/** The process that serves a mount is killed; the next one on the same descriptor goes on, and no program notices. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { sleep, temporaryFolder, waitUntil } from '@k2hft/test-harness';
import { BACKED_NAME } from './backed-file-system.js';
import { testMount, whyNoMount } from './test-mount.js';

const skip = whyNoMount();
const KILLS = 8;
/** Long enough for a program to start and to come to its write; no test fails when it is too short. */
const UNDER_WAY_MS = 300;

/** Writes numbered lines one by one until the stop file is there; ends with 0 when every write(2) took its line. */
const WRITER = `
const fs = require('node:fs');
const [, path, stop] = process.argv;
const fd = fs.openSync(path, 'w');
for (let line = 0; line % 1000 > 0 || !fs.existsSync(stop); line++) {
  const bytes = Buffer.from('line ' + line + '\\n');
  if (fs.writeSync(fd, bytes) !== bytes.length) process.exit(2);
}
fs.fsyncSync(fd);
fs.closeSync(fd);
`;

function ending(child: ChildProcess): Promise<number | NodeJS.Signals | null> {
  return new Promise((resolve) => {
    child.once('close', (status, signal) => {
      resolve(status ?? signal);
    });
  });
}

test(
  'servers killed under load: the writer sees no error, and each line is there once',
  { skip },
  async (t) => {
    const folder = temporaryFolder(t);
    const backing = join(folder, 'backing');
    const stop = join(folder, 'stop');
    const fd = openSync(backing, 'w+');
    t.after(() => {
      closeSync(fd);
    });
    const { point, negotiated, serve } = await testMount(t, fd);
    if (!negotiated.canResend) {
      t.skip('this kernel cannot hand requests out again (Linux 6.9 can)');
      return;
    }
    let server = serve('backed', 'fresh');
    const writer = spawn(process.execPath, ['-e', WRITER, join(point, BACKED_NAME), stop], {
      stdio: 'inherit',
    });
    t.after(() => writer.kill('SIGKILL'));
    const written = ending(writer);
    for (let kill = 0; kill < KILLS; kill++) {
      const before = statSync(backing).size;
      await waitUntil('lines are written', () => statSync(backing).size > before + 1000);
      const killed = ending(server);
      server.kill('SIGKILL');
      await killed;
      server = serve('backed', 'takeover');
    }
    writeFileSync(stop, '');
    assert.equal(await written, 0);
    const lines = readFileSync(backing, 'latin1').split('\n');
    const wrong = lines.slice(0, -1).findIndex((line, index) => line !== `line ${index}`);
    assert.equal(wrong, -1, 'the file holds other lines than were written');
    assert.equal(lines.at(-1), '');
  },
);

test('a request that died with its server is answered by the next one', { skip }, async (t) => {
  const backing = join(temporaryFolder(t), 'backing');
  const fd = openSync(backing, 'w+');
  t.after(() => {
    closeSync(fd);
  });
  const { point, negotiated, serve } = await testMount(t, fd);
  if (!negotiated.canResend) {
    t.skip('this kernel cannot hand requests out again (Linux 6.9 can)');
    return;
  }
  const first = serve('backed-parking', 'fresh');
  const args = ['if=/dev/zero', `of=${join(point, BACKED_NAME)}`, 'bs=100', 'count=1', 'status=none'];
  const writer = spawn('dd', args, { stdio: 'inherit' });
  t.after(() => writer.kill('SIGKILL'));
  const written = ending(writer);
  await sleep(UNDER_WAY_MS);
  assert.equal(writer.exitCode, null);
  const killed = ending(first);
  first.kill('SIGKILL');
  await killed;
  serve('backed', 'takeover');
  assert.equal(await written, 0);
  assert.equal(statSync(backing).size, 100);
});
