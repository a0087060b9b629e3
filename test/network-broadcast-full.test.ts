import assert from 'node:assert/strict';
import { appendFileSync, closeSync, existsSync, openSync, readFileSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { waitUntil, waitUntilDelivered, whyNoMounts } from '@k2hft/test-harness';
import { startThreeServers, type Place, type ThreeServers } from './three-servers.js';

const skip = whyNoMounts() ?? false;
const LINE_BYTES = 1000;
const CHUNK_LINES = 200;
const QUEUE_BYTES = 4 * 1024 * 1024;

/** Three times what the queue holds. */
const LINES = Math.ceil((3 * QUEUE_BYTES) / LINE_BYTES / CHUNK_LINES) * CHUNK_LINES;

void describe('a broadcast whose queue is full because one server is away', { concurrency: 2, skip }, () => {
  void test('drop_oldest: it alone loses, and that is counted; the others have every line', async (t) => {
    const scene = await startThreeServers(t, 'broadcast', {
      queue: { max_size: QUEUE_BYTES, when_full: 'drop_oldest' },
    });
    const [first, away, third] = scene.places;
    await bothHave(scene, 0, CHUNK_LINES);
    await waitUntilDelivered(scene.mount);
    await away.server.kill();
    for (let line = CHUNK_LINES; line < LINES; line += CHUNK_LINES) await bothHave(scene, line, CHUNK_LINES);
    await away.server.restart();
    await waitUntilDelivered(scene.mount);
    const { lost } = scene.mount.status().queue as unknown as { lost: Record<string, { records: number }> };
    assert.deepEqual(Object.keys(lost), [`drop_oldest to ${new URL(away.road.url).href}`]);
    const dropped = Object.values(lost).reduce((sum, { records }) => sum + records, 0);
    assert.ok(dropped > 0 && dropped < LINES - CHUNK_LINES, `${dropped} of ${LINES} lines are dropped`);
    const all = [...Array(LINES).keys()];
    assert.deepEqual(numbersAt(first), all);
    assert.deepEqual(numbersAt(third), all);
    const newest = all.slice(CHUNK_LINES + dropped);
    assert.deepEqual(
      numbersAt(away),
      [...all.slice(0, CHUNK_LINES), ...newest],
      'the newest are kept, in order',
    );
  });

  void test('block: in the end writers wait for it, and the others have all that was taken', async (t) => {
    const scene = await startThreeServers(t, 'broadcast', {
      queue: { max_size: QUEUE_BYTES, when_full: 'block', max_wait: '500ms' },
    });
    const [first, away, third] = scene.places;
    await away.server.kill();
    const fd = openSync(join(scene.mount.point, 'app.log'), 'a');
    let taken = 0;
    assert.throws(
      () => {
        for (; taken < LINES; taken++) writeSync(fd, line(taken));
      },
      { code: 'ENOSPC' },
    );
    closeSync(fd);
    await waitUntil('the others have all', () =>
      [first, third].every((place) => sizeAt(place) === taken * LINE_BYTES),
    );
    await away.server.restart();
    await waitUntilDelivered(scene.mount);
    for (const place of scene.places) assert.deepEqual(numbersAt(place), [...Array(taken).keys()]);
  });
});

/** Writes some lines, and waits until the two healthy servers have them: they are never far behind. */
async function bothHave({ mount, places: [first, , third] }: ThreeServers, from: number, count: number) {
  const lines = Array.from({ length: count }, (_, index) => line(from + index));
  appendFileSync(join(mount.point, 'app.log'), lines.join(''));
  const bytes = (from + count) * LINE_BYTES;
  await waitUntil('the healthy servers have it', () =>
    [first, third].every((place) => sizeAt(place) === bytes),
  );
}

function line(number: number): string {
  return `${String(number).padEnd(LINE_BYTES - 1, '.')}\n`;
}

function sizeAt({ output }: Place): number {
  const file = join(output, 'app.log');
  return existsSync(file) ? statSync(file).size : 0;
}

function numbersAt({ output }: Place): number[] {
  const lines = readFileSync(join(output, 'app.log'), 'latin1').split('\n').slice(0, -1);
  return lines.map((text) => Number.parseInt(text, 10));
}
