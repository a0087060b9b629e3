import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { startProcess, temporaryFolder } from '@k2hft/test-harness';

const folderOf = (name: string) => new URL(`../src/${name}.js`, import.meta.url).href;

/** Ends in the middle of a write to LMDB, whose thread then waits for the main thread; resolves with how. */
function endWhileWriting(t: TestContext, afterwards: string): Promise<number | NodeJS.Signals> {
  const script = `
    const { Environment } = await import(${JSON.stringify(folderOf('environment'))});
    const { endProcess } = await import(${JSON.stringify(folderOf('process-end'))});
    const path = ${JSON.stringify(`${temporaryFolder(t)}/lmdb`)};
    const environment = Environment.openWriter(path, { durable: true, mapBytes: 2 ** 24 });
    const written = environment.write([{ key: Buffer.from('key'), value: Buffer.from('value') }]);
    await new Promise((resolve) => setImmediate(resolve));
    ${afterwards}`;
  return startProcess(t, process.execPath, ['--input-type=module', '-e', script]).ended;
}

test('a process ends also while LMDB waits for it', async (t) => {
  assert.equal(await endWhileWriting(t, 'endProcess(3);'), 'SIGKILL');
});

test('without a write under way it ends with its status', async (t) => {
  assert.equal(await endWhileWriting(t, 'await written; endProcess(3);'), 3);
});
