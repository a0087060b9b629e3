import { strict as assert } from 'node:assert';
import { closeSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { temporaryFolder } from '@k2hft/test-harness';
import { openPipe } from '../src/standard-input.js';

test('modules behind links are found as before when a pipe was made', async (t) => {
  const folder = temporaryFolder(t);
  const store = join(folder, 'store');
  mkdirSync(store);
  mkdirSync(join(folder, 'packages'));
  writeFileSync(join(store, 'where.mjs'), 'export const url = import.meta.url;');
  symlinkSync(store, join(folder, 'packages', 'module'));
  symlinkSync(join(folder, 'packages'), join(folder, 'node_modules'));
  const { readFd, writeFd } = await openPipe();
  closeSync(readFd);
  closeSync(writeFd);
  const linked = join(folder, 'node_modules', 'module', 'where.mjs');
  const { url } = (await import(pathToFileURL(linked).href)) as { url: string };
  assert.equal(url, pathToFileURL(realpathSync.native(join(store, 'where.mjs'))).href);
});
