import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { startMount, temporaryFolder, waitUntil, waitUntilDelivered, whyNoMounts } from '@k2hft/test-harness';
import { KeptServer } from './killing.js';
import { startWriter, tallyLines } from './numbered-lines.js';

const skip = whyNoMounts() ?? false;
const KILLS = 15;
/** Of each of two writers, some 120 bytes each: enough for eight files. */
const LINES_LEAST = 10_000;

/** Names of the rotated files and of the file itself, which is not there right after a rotation; `sort -V` would give the same order. */
function filesOf(folder: string, name: string): string[] {
  const order = new Intl.Collator('en', { numeric: true });
  const bare = (segment: string): string => segment.replace(/\.gz$/, '');
  const names = readdirSync(folder);
  const rotated = names.filter((segment) => segment.startsWith(`${name}.`));
  const present = names.filter((segment) => segment === name);
  return [...rotated.sort((one, other) => order.compare(bare(one), bare(other))), ...present];
}

function textOf(folder: string, segment: string): Buffer {
  const bytes = readFileSync(join(folder, segment));
  return segment.endsWith('.gz') ? gunzipSync(bytes) : bytes;
}

void test(
  'every line arrives once and in order while the output is rotated and the server is killed again and again',
  { skip },
  async (t) => {
    const folder = temporaryFolder(t);
    const rotate = { size: '300KiB', every: '7s', keep: 10_000 };
    const server = await KeptServer.start(t, join(folder, 'server'), { output: { path: 'all.log', rotate } });
    const mount = await startMount(t, { folder: join(folder, 'source'), urls: [server.url] });
    const writers = ['one', 'two'].map((name) =>
      startWriter(t, join(mount.point, `${name}.log`), name, {
        pauseMs: 1,
        burstLinesMax: 40,
        linesLeast: LINES_LEAST,
      }),
    );
    for (let kill = 0; kill < KILLS; kill++) {
      await sleep(Math.random() * 1200);
      await server.killAndRestart();
    }
    const reports = await Promise.all(writers.map((writer) => writer.finish()));
    await waitUntilDelivered(mount);
    const output = join(folder, 'server/output');
    // The time goes on rotating: the files are read while the server stands still.
    await waitUntil('the compression of all but the last', async () => {
      await server.freeze();
      if (filesOf(output, 'all.log').every((segment) => segment.endsWith('.gz') || segment === 'all.log'))
        return true;
      server.thaw();
      return false;
    });
    const files = filesOf(output, 'all.log');
    assert.ok(files.length > 5, `${files.length} files`);
    const contents = files.map((segment) => textOf(output, segment));
    for (const bytes of contents) {
      assert.equal(bytes.at(-1), 10, 'a file ends with its last line');
      assert.ok(bytes.length <= 300 * 1024);
    }
    writeFileSync(join(folder, 'joined'), Buffer.concat(contents));
    const tally = await tallyLines([join(folder, 'joined')], reports);
    const written = reports.reduce((sum, { lines }) => sum + lines, 0);
    assert.deepEqual(
      reports.map(({ error }) => error),
      [undefined, undefined],
    );
    assert.deepEqual(tally, { lines: written, lost: 0, doubled: 0, disordered: 0, foreign: 0 });
  },
);
