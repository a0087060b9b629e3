/** Requests that are answered later, and requests whose caller does not wait so long. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { waitUntil } from '@k2hft/test-harness';
import { PARKING_NAME, RELEASE_NAME, SIGN_NAME } from './memory-file-system.js';
import { drivers, servedMount, testMount, whyNoMount } from './test-mount.js';

const skip = whyNoMount();

interface Writer {
  ended: Promise<number | NodeJS.Signals | null>;
  hasEnded: () => boolean;
  complaint: () => string;
  pid: number | undefined;
  kill: (signal: NodeJS.Signals) => void;
}

/** A program that hangs in its write to the parking file; it is killed at the end of the test if need be. */
async function startWriter(t: TestContext, point: string): Promise<Writer> {
  const writer = spawn('dd', ['if=/dev/zero', `of=${join(point, PARKING_NAME)}`, 'bs=100', 'count=1'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let complaint = '';
  writer.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
  const ended = new Promise<number | NodeJS.Signals | null>((resolve) => {
    writer.once('close', (status, signal) => {
      resolve(status ?? signal);
    });
  });
  t.after(() => writer.kill('SIGKILL'));
  await waitUntil('its write is parked', () =>
    stat(join(point, SIGN_NAME)).then(
      () => true,
      () => false,
    ),
  );
  return {
    ended,
    hasEnded: () => writer.exitCode !== null || writer.signalCode !== null,
    complaint: () => complaint,
    pid: writer.pid,
    kill: (signal) => writer.kill(signal),
  };
}

for (const { driver, skip } of drivers()) {
  test(
    `${driver}: a parked write waits while others are served, and is answered from the turn of another`,
    { skip },
    async (t) => {
      const { point } = await servedMount(t, driver, 'memory-direct');
      const writer = await startWriter(t, point);
      await writeFile(join(point, 'other'), 'served');
      assert.equal(await readFile(join(point, 'other'), 'utf8'), 'served');
      assert.equal(writer.hasEnded(), false);
      await assert.rejects(stat(join(point, RELEASE_NAME)), { code: 'ENOENT' });
      assert.equal(await writer.ended, 0);
      assert.equal((await stat(join(point, PARKING_NAME))).size, 100);
    },
  );
}

for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
  test(`the caller of a parked write can be ended with ${signal}`, { skip }, async (t) => {
    const { point, serve } = await testMount(t);
    serve('memory-direct', 'fresh');
    const writer = await startWriter(t, point);
    assert.equal(writer.hasEnded(), false);
    writer.kill(signal);
    assert.equal(await writer.ended, signal);
    // The session goes on, and has nothing to answer any more.
    await assert.rejects(stat(join(point, RELEASE_NAME)), { code: 'ENOENT' });
    assert.equal((await stat(join(point, PARKING_NAME))).size, 0);
  });
}

for (const isInterrupted of [false, true]) {
  const which = isInterrupted ? 'an interrupted request' : 'a request';
  test(`without RESEND ${which} that died with its server gets EIO`, { skip }, async (t) => {
    const { point, serve, negotiated } = await testMount(t);
    const server = serve('memory-direct', 'fresh');
    const writer = await startWriter(t, point);
    server.kill('SIGKILL');
    await new Promise((resolve) => server.once('close', resolve));
    if (isInterrupted) {
      // A signal that does not end it: the next server is told of the interruption first.
      writer.kill('SIGSTOP');
      await waitUntil('the kernel knows of it', () =>
        / D /.test(readFileSync(`/proc/${writer.pid}/stat`, 'latin1')),
      );
    }
    serve('memory-direct', 'takeover', { ...negotiated, canResend: false });
    await assert.rejects(stat(join(point, RELEASE_NAME)), { code: 'ENOENT' });
    writer.kill('SIGCONT');
    assert.equal(await writer.ended, 1);
    assert.match(writer.complaint(), /Input\/output error/);
  });
}
