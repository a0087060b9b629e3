import { closeSync, openSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { errorCode } from './errors.js';

/**
 * Lets one process at a time open or close a database. The last one that closes it destroys the mutexes in LMDB's lock
 * file, and one that is just opening it would go on with the destroyed ones: reading fails then, writing ends the
 * process. A file that only one can make, with the process id in it, keeps the two apart. A killed owner is found
 * out; a stopped one is not waited for longer than OWNER_MS, as a worker must not hang on a frozen forwarder.
 */
const OWNER_MS = 1000;
const POLL_MS = 1;
const pause = new Int32Array(new SharedArrayBuffer(4));

export function withOpenLock<T>(dataFile: string, run: () => T): T {
  const lockFile = `${dataFile}.opening`;
  const isMine = acquire(lockFile);
  try {
    return run();
  } finally {
    if (isMine) rmSync(lockFile, { force: true });
  }
}

/** False when it cannot be had, for want of a place on the disk: then it goes without. */
function acquire(lockFile: string): boolean {
  for (;;) {
    try {
      const descriptor = openSync(lockFile, 'wx', 0o600);
      writeSync(descriptor, String(process.pid));
      closeSync(descriptor);
      return true;
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') return false;
    }
    if (isAbandoned(lockFile)) rmSync(lockFile, { force: true });
    else Atomics.wait(pause, 0, 0, POLL_MS);
  }
}

function isAbandoned(lockFile: string): boolean {
  const madeAtMs = statSync(lockFile, { throwIfNoEntry: false })?.mtimeMs;
  if (madeAtMs === undefined) return false;
  if (Math.abs(Date.now() - madeAtMs) > OWNER_MS) return true;
  try {
    const owner = Number(readFileSync(lockFile, 'latin1'));
    // It is being written just now, or belongs to a process that lives.
    if (owner > 0 && owner !== process.pid) process.kill(owner, 0);
    return owner === process.pid;
  } catch (error) {
    return errorCode(error) === 'ESRCH';
  }
}
