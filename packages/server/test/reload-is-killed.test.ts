import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { liveAndDie, PlacedKills, startProcess, temporaryFolder, waitUntil } from '@k2hft/test-harness';
import { textOf } from './killed-lives.js';
import { configurationOf } from './server-process.js';
import { SourceClient, type BatchToSend } from './source-client.js';

const MAIN = fileURLToPath(new URL('../src/main.js', import.meta.url));
const PROGRAM = 'main.js';

test('at whatever step of a reload a server is killed, the next one has the settings and each line is there once', async (context) => {
  const folder = temporaryFolder(context);
  const kills = new PlacedKills(join(folder, 'kills'));
  const file = join(folder, 'svr.json');
  const expected = new Map<string, string>();
  let sequence = 0;
  let lives = 0;
  const configure = () => {
    // Other files and another format.
    const output = { path: `${lives % 3}/{path}`, format: `${lives} %L`, fsync: 'always' };
    writeFileSync(file, configurationOf({ folder, output }));
  };
  configure();
  let unacknowledged: BatchToSend[] = [];
  const add = () => {
    const path = join(folder, 'output', String(lives % 3), 'a.log');
    const payload = `batch ${++sequence}\n`;
    expected.set(path, `${expected.get(path) ?? ''}${lives} ${payload}`);
    unacknowledged.push({ sequence, payload });
  };
  const live = async (step: number): Promise<string | undefined> => {
    const env = { ...process.env, ...kills.environment };
    const server = startProcess(context, process.execPath, [MAIN, '-c', file], { env });
    await server.printed(/listening on \S+/);
    const client = await SourceClient.connect(/listening on (\S+)/.exec(server.output())?.[1] ?? '');
    const hasEnded = () => server.child.exitCode !== null || server.child.signalCode !== null;
    const deliver = async () => {
      client.send(...unacknowledged);
      await waitUntil('everything is acknowledged, or a kill', () => {
        unacknowledged = unacknowledged.filter(
          (batch) => !client.acknowledged.has(`1/${batch.sequence ?? 0}`),
        );
        return unacknowledged.length === 0 || hasEnded();
      });
    };
    add();
    await deliver();
    lives++;
    configure();
    kills.arm(PROGRAM, step);
    server.child.kill('SIGHUP');
    const isInForce = () => server.output().includes('the configuration is in force');
    await waitUntil('the settings are in force, or a kill', () => hasEnded() || isInForce());
    add();
    await deliver();
    kills.disarm(PROGRAM);
    client.close();
    server.child.kill('SIGTERM');
    await server.ended;
    return kills.killedBefore(PROGRAM);
  };
  const killedBefore = await liveAndDie({ stride: 1, stepsMin: 6, live });
  context.diagnostic(`${killedBefore.length} kills, before: ${killedBefore.join(', ')}`);
  for (const [path, text] of expected) assert.equal(textOf(path), text);
});
