import { strict as assert } from 'node:assert';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder, waitUntil } from '@k2hft/test-harness';
import { decodeBatch } from '@k2hft/wire';
import { compileFormat } from '../src/format.js';
import { OutputTree } from '../src/output-tree.js';
import { Output } from '../src/output.js';
import { compilePathTemplate } from '../src/path-template.js';
import type { Receiver } from '../src/receiver.js';
import { ServerCounters } from '../src/server-counters.js';
import { State, type StateChanges } from '../src/state.js';
import { makeBatch } from './source-client.js';

test('what records the next file records the rotation too, when that is not committed yet', async (context) => {
  const folder = temporaryFolder(context);
  mkdirSync(join(folder, 'output'));
  const state = new State(folder, true);
  const commits: StateChanges[] = [];
  const output = new Output({
    tree: new OutputTree(join(folder, 'output')),
    state,
    rules: {
      template: compilePathTemplate('{path}'),
      format: compileFormat('%L', '%s'),
      fsync: 'no',
      rotate: { sizeBytes: 10, everyMs: undefined, keep: 10, compress: true },
    },
    log: () => undefined,
    counters: new ServerCounters(),
    commit: async (changes) => {
      commits.push(changes);
      // That of the rotation alone hangs: as if the server were killed before it.
      if (changes.opened === undefined) await new Promise(() => undefined);
      else await state.commit(changes);
    },
    appended: () => undefined,
    hurry: () => undefined,
    ready: () => {
      output.advance();
    },
    fault: (error) => {
      assert.fail(String(error));
    },
  });
  const receiver = {} as Receiver;
  for (const sequence of [1, 2]) {
    const batch = decodeBatch(makeBatch({ sequence, payload: '123456789\n' }), 0);
    output.accept({ receiver, batch, stream: 'a/1' });
  }
  output.advance();
  await waitUntil('both files are recorded', () => commits.filter(({ opened }) => opened).length === 2);
  await waitUntil('all is written', () => !output.isWaiting);
  assert.deepEqual(state.rotatedNames(), ['a.log']);
  assert.deepEqual(
    state.files().map(([, { length }]) => length),
    [0],
  );
  await state.close();
});
