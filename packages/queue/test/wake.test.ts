import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sleep, startProcess, temporaryFolder, waitUntil } from '@k2hft/test-harness';
import { makeWakeFifo, Waker, WakeListener } from '../src/index.js';
import { SAFETY_POLL_MS, WAKE_INTERVAL_MS } from '../src/wake.js';

const INDEX = new URL('../src/index.js', import.meta.url).href;

test('a wake without a listener neither waits nor fails, and a full FIFO is no fault', (t) => {
  const dir = temporaryFolder(t);
  makeWakeFifo(dir);
  makeWakeFifo(dir);
  const waker = new Waker(dir);
  t.after(() => {
    waker.close();
  });
  assert.equal(waker.wake(), true);
  assert.equal(waker.wake(), false, 'at most one in 2 ms');
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (let count = 0; count < 20; count++) {
    Atomics.wait(pause, 0, 0, WAKE_INTERVAL_MS + 0.2);
    waker.wake();
  }
});

test('no commit is overlooked: each is seen long before the safety poll', async (t) => {
  const dir = temporaryFolder(t);
  makeWakeFifo(dir);
  // The writer commits by adding to a counter that both see as the size of a file.
  const script = `const { Waker } = await import(${JSON.stringify(INDEX)});
    const { appendFileSync } = await import('node:fs');
    const waker = new Waker(${JSON.stringify(dir)});
    const pause = new Int32Array(new SharedArrayBuffer(4));
    console.log('ready');
    for (let burst = 0; burst < 150; burst++) {
      for (let count = Math.floor(Math.random() * 4); count >= 0; count--) {
        appendFileSync(${JSON.stringify(`${dir}/commits`)}, 'x');
        waker.wake();
        Atomics.wait(pause, 0, 0, Math.random() * 3);
      }
      Atomics.wait(pause, 0, 0, Math.random() * 20);
    }
    console.log('done');`;
  const { statSync } = await import('node:fs');
  const committed = (): number => statSync(`${dir}/commits`, { throwIfNoEntry: false })?.size ?? 0;
  let seen = 0;
  const listener = new WakeListener(dir, () => {
    seen = committed();
  });
  t.after(() => {
    listener.close();
  });
  const writer = startProcess(t, process.execPath, ['--input-type=module', '-e', script]);
  await writer.printed('ready');
  let overlookedSince: number | undefined;
  let longestMs = 0;
  while (writer.child.exitCode === null) {
    await sleep(1);
    if (seen === committed()) overlookedSince = undefined;
    else {
      overlookedSince ??= performance.now();
      longestMs = Math.max(longestMs, performance.now() - overlookedSince);
    }
  }
  await waitUntil('the last commit is seen', () => seen === committed());
  t.diagnostic(`longest wait ${longestMs.toFixed(1)} ms`);
  assert.ok(longestMs < SAFETY_POLL_MS * 0.8, `a commit was seen only after ${longestMs} ms`);
});
