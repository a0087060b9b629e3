import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { isAlive, signalProcess } from '../src/mount-registry.js';

test('a signal to a process that has just ended is no failure', () => {
  const { pid } = spawnSync('true');
  assert.equal(isAlive(pid), false);
  signalProcess(pid, 'SIGTERM');
});
