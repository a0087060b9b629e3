/**
 * Loaded before the server: kills it before the n-th step that changes something on the disk, counted from the first
 * rename of an output file on. A commit to the state is a step before and a step after.
 *
 * Environment: KILL_AT, n from 1.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { State } from '../src/state.js';

const killAt = Number(process.env['KILL_AT']);
let steps = 0;

function step(): void {
  if (steps === 0) return;
  steps++;
  if (steps > killAt) process.kill(process.pid, 'SIGKILL');
}

type Call = (...args: unknown[]) => unknown;

function before(name: 'renameSync' | 'unlinkSync' | 'openSync' | 'writevSync' | 'fsync' | 'fdatasync'): void {
  const original = fs[name] as unknown as Call;
  const counted = (...args: unknown[]): unknown => {
    const changes = name !== 'openSync' || (Number(args[1] ?? 0) & fs.constants.O_CREAT) !== 0;
    if (name === 'renameSync' && steps === 0 && String(args[0]).startsWith('/proc/self/fd/')) steps = 1;
    else if (changes) step();
    if (steps === 1 && killAt === 1 && name === 'renameSync') process.kill(process.pid, 'SIGKILL');
    return original(...args);
  };
  Object.assign(fs, { [name]: counted });
}

for (const name of ['renameSync', 'unlinkSync', 'openSync', 'writevSync', 'fsync', 'fdatasync'] as const)
  before(name);
syncBuiltinESMExports();

// eslint-disable-next-line @typescript-eslint/unbound-method -- it is called with its own object below
const commit = State.prototype.commit;
State.prototype.commit = async function (this: State, changes) {
  step();
  await commit.call(this, changes);
  step();
};
