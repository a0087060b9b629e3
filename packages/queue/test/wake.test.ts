import assert from 'node:assert/strict';
import { appendFileSync, statSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { startProcess, temporaryFolder, undoAtEnd, waitUntil } from '@k2hft/test-harness';
import { makeWakeFifo, Waker, WakeListener } from '../src/index.js';
import { WAKE_INTERVAL_MS } from '../src/wake.js';

const INDEX = new URL('../src/index.js', import.meta.url).href;
const NEVER_MS = 3_600_000;
const BURSTS = 150;

test('a wake without a listener neither waits nor fails, and at most one byte is written in 2 ms', (t) => {
  const dir = temporaryFolder(t);
  makeWakeFifo(dir);
  makeWakeFifo(dir);
  let nowMs = 0;
  const waker = new Waker(dir, () => nowMs);
  undoAtEnd(t, () => {
    waker.close();
  });
  assert.equal(waker.wake(), true);
  nowMs += WAKE_INTERVAL_MS - 0.01;
  assert.equal(waker.wake(), false);
  nowMs += 0.01;
  assert.equal(waker.wake(), true);
});

test('a full FIFO is no fault', (t) => {
  const dir = temporaryFolder(t);
  makeWakeFifo(dir);
  let nowMs = 0;
  const waker = new Waker(dir, () => (nowMs += WAKE_INTERVAL_MS));
  undoAtEnd(t, () => {
    waker.close();
  });
  // A FIFO of Linux holds 64 KiB.
  for (let count = 0; count < 70_000; count++) assert.equal(waker.wake(), true);
});

test('no commit is overlooked: each is seen without the safety poll', async (t) => {
  const dir = temporaryFolder(t);
  makeWakeFifo(dir);
  const commits = `${dir}/commits`;
  const burstsWritten = `${dir}/bursts-written`;
  const burstsSeen = `${dir}/bursts-seen`;
  for (const file of [commits, burstsWritten, burstsSeen]) writeFileSync(file, '');
  // The writer commits by adding to a file, whose size both see. It goes on when all commits of a burst were seen.
  const script = `const { Waker } = await import(${JSON.stringify(INDEX)});
    const { appendFileSync, statSync } = await import('node:fs');
    const waker = new Waker(${JSON.stringify(dir)});
    const pause = new Int32Array(new SharedArrayBuffer(4));
    for (let burst = 0; burst < ${BURSTS}; burst++) {
      for (let count = Math.floor(Math.random() * 4); count >= 0; count--) {
        appendFileSync(${JSON.stringify(commits)}, 'x');
        waker.wake();
        Atomics.wait(pause, 0, 0, Math.random() * 3);
      }
      appendFileSync(${JSON.stringify(burstsWritten)}, 'x');
      while (statSync(${JSON.stringify(burstsSeen)}).size <= burst) Atomics.wait(pause, 0, 0, 1);
      Atomics.wait(pause, 0, 0, Math.random() * 10);
    }`;
  let seen = 0;
  const listener = new WakeListener(
    dir,
    () => {
      seen = statSync(commits).size;
    },
    NEVER_MS,
  );
  undoAtEnd(t, () => {
    listener.close();
  });
  const writer = startProcess(t, process.execPath, ['--input-type=module', '-e', script]);
  for (let burst = 0; burst < BURSTS; burst++) {
    await waitUntil(`burst ${burst} is written`, () => statSync(burstsWritten).size > burst);
    await waitUntil(`the commits of burst ${burst} are seen`, () => seen === statSync(commits).size);
    appendFileSync(burstsSeen, 'x');
  }
  assert.equal(await writer.ended, 0);
});
