import assert from 'node:assert/strict';
import {
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder, waitUntil, whyNoMounts } from '@k2hft/test-harness';
import { killAtRandom } from './killing.js';
import { startWriter } from './numbered-lines.js';
import { shell, startPipeline } from './pipeline.js';
import { mountSmallDisk } from './small-disk.js';

const skip = whyNoMounts() ?? false;
const DURATION_MS = 6000;
const ROTATION_MS = 900;
const SECOND_STAGE = /^\w+ \d*[12]/;

/** A copy and what it was rotated to, the oldest first. */
function copyOf(folder: string, name: string): Buffer {
  const rotated = readdirSync(folder)
    .filter((entry) => entry.startsWith(`${name}.`))
    .sort();
  const names = existsSync(join(folder, name)) ? [...rotated, name] : rotated;
  return Buffer.concat(names.map((entry) => readFileSync(join(folder, entry))));
}

void test(
  'copies are what was written, byte by byte, while workers are killed and the copies rotated',
  { skip },
  async (t) => {
    const copies = temporaryFolder(t);
    const shared = join(copies, 'deep/er/shared.log');
    const pipeline = await startPipeline(t, {
      mode: 'overlay',
      rules: [
        { path: 'alone*.log', copy_to: `${copies}/` },
        { path: 'shared*.log', copy_to: shared, send: 'no' },
      ],
    });
    const names = ['alone1.log', 'alone2.log', 'shared.log', 'shared.log'];
    const writers = names.map((name, index) => startWriter(t, pipeline.inside(name), `writer${index}`));
    let rotation = 0;
    const rotating = setInterval(() => {
      const copy = join(copies, 'alone1.log');
      if (existsSync(copy)) renameSync(copy, `${copy}.${String(rotation++).padStart(3, '0')}`);
    }, ROTATION_MS);
    const kills = await killAtRandom(pipeline.mount, undefined, DURATION_MS);
    await waitUntil('the copies were rotated', () => rotation > 2);
    clearInterval(rotating);
    const reports = await Promise.all(writers.map((writer) => writer.finish()));
    for (const { error } of reports) assert.equal(error, undefined);
    assert.ok(kills.worker > 0);
    await pipeline.delivered();
    await pipeline.mount.stop();
    for (const name of ['alone1.log', 'alone2.log']) {
      const below = readFileSync(pipeline.inside(name));
      assert.ok(copyOf(copies, name).equals(below), `the copy of ${name} equals the file below the mount`);
      assert.ok(pipeline.arrived(name).equals(below));
    }
    assert.ok(readFileSync(shared).equals(readFileSync(pipeline.inside('shared.log'))));
    assert.equal(pipeline.arrived('shared.log').length, 0);
  },
);

for (const mode of ['overlay', 'virtual'] as const) {
  void test(`a copy into the mount meets the rule of its path (${mode})`, { skip }, async (t) => {
    const copies = temporaryFolder(t);
    // Relative paths begin at the configuration file, which lies beside the mount point.
    const pipeline = await startPipeline(t, {
      mode,
      rules: [
        { path: 'in*.log', send: 'no', copy_to: 'mount/second/', copy_what: 'filtered', deny: ['7 '] },
        {
          path: 'second/*',
          copy_to: 'mount/third.log',
          copy_what: 'filtered',
          default: 'deny',
          allow: [SECOND_STAGE.source],
        },
        { path: 'third.log', copy_to: join(copies, 'out.log') },
      ],
    });
    const names = ['in1.log', 'in2.log'];
    const writers = names.map((name, index) => startWriter(t, pipeline.inside(name), `writer${index}`));
    await killAtRandom(pipeline.mount, undefined, DURATION_MS);
    const reports = await Promise.all(writers.map((writer) => writer.finish()));
    for (const { error } of reports) assert.equal(error, undefined);
    await pipeline.delivered();
    await pipeline.mount.stop();
    const firstStage = (name: string): string[] => {
      const index = names.indexOf(name);
      const written = Array.from(
        { length: reports[index]?.lines ?? 0 },
        (_, line) => `writer${index} ${line + 1} `,
      );
      return written.filter((line) => !line.includes('7 '));
    };
    const secondStage = (name: string) => firstStage(name).filter((line) => SECOND_STAGE.test(line));
    const beginnings = (bytes: Buffer): string[] =>
      bytes
        .toString('latin1')
        .split('\n')
        .slice(0, -1)
        .map((line) => `${line.split(' ', 2).join(' ')} `);
    for (const name of names) {
      assert.deepEqual(beginnings(pipeline.arrived(`second/${name}`)), secondStage(name));
      assert.equal(pipeline.arrived(name).length, 0);
      if (mode === 'overlay')
        assert.deepEqual(beginnings(readFileSync(pipeline.inside(`second/${name}`))), firstStage(name));
    }
    const third = beginnings(pipeline.arrived('third.log'));
    const expected = names.flatMap((name) => secondStage(name));
    assert.deepEqual([...third].sort(), [...expected].sort());
    assert.ok(readFileSync(join(copies, 'out.log')).equals(pipeline.arrived('third.log')));
  });
}

void test('a writer sees nothing of a disk for copies that is full', { skip }, async (t) => {
  const disk = temporaryFolder(t);
  mountSmallDisk(t, disk, 1);
  const pipeline = await startPipeline(t, { rules: [{ path: '*.log', copy_to: `${disk}/` }] });
  const line = `${'x'.repeat(999)}\n`;
  const written = Buffer.from(line.repeat(3000));
  const source = join(pipeline.folder, 'source.txt');
  writeFileSync(source, written);
  shell(`dd if=${source} of=${pipeline.inside('a.log')} bs=10000 status=none`);
  await pipeline.arrives('a.log', written);
  await pipeline.mount.process.printed('ENOSPC');
  const complaints = (): number => pipeline.mount.process.output().match(/cannot be copied to/g)?.length ?? 0;
  assert.equal(complaints(), 1, pipeline.mount.process.output());
  const copied = statSync(join(disk, 'a.log')).size;
  assert.ok(copied > 500_000);
  await waitUntil('the report tells', () => {
    const lost = (pipeline.mount.status() as { worker?: { copies?: { lostBytes: number } } }).worker?.copies
      ?.lostBytes;
    return lost === written.length - copied;
  });
  shell(`rm ${join(disk, 'a.log')}; sleep 1.1; echo again >> ${pipeline.inside('a.log')}`);
  await waitUntil('copies go on', () => existsSync(join(disk, 'a.log')));
  assert.equal(readFileSync(join(disk, 'a.log'), 'utf8'), 'again\n');
  await pipeline.mount.process.printed('are written again');
});

void test('copies that would come back are refused, the write goes on', { skip }, async (t) => {
  const pipeline = await startPipeline(t, {
    mode: 'overlay',
    rules: [{ path: '*', copy_to: 'mount/other.log' }],
  });
  shell(`echo one >> ${pipeline.inside('a.log')}; echo two >> ${pipeline.inside('other.log')}`);
  await pipeline.arrives('a.log', 'one\n');
  await pipeline.arrives('other.log', 'two\n');
  await pipeline.mount.process.printed(/comes back to a path: a\.log → other\.log → other\.log/);
});

void test(
  'a copy that leads back into the mount through a symbolic link hangs nobody',
  { skip },
  async (t) => {
    const folder = temporaryFolder(t);
    const pipeline = await startPipeline(t, {
      rules: [
        { path: 'a.log', copy_to: `${folder}/link/b.log` },
        { path: 'c.log', copy_to: `${folder}/link/` },
      ],
    });
    symlinkSync(pipeline.mount.point, join(folder, 'link'));
    shell(`echo one >> ${pipeline.inside('a.log')}; echo two >> ${pipeline.inside('c.log')}`);
    await pipeline.arrives('a.log', 'one\n');
    await pipeline.arrives('c.log', 'two\n');
    await pipeline.mount.process.printed('leads into the mount');
  },
);
