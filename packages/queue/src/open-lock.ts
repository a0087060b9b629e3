import { closeSync, openSync, readFileSync, rmSync, statSync, writeSync, type Stats } from 'node:fs';
import { errorCode } from './errors.js';

/**
 * Lets one process at a time open or close a database. The last one that closes it destroys the mutexes in LMDB's lock
 * file, and one that is just opening it would go on with the destroyed ones: reading fails then, writing ends the
 * process. A file that only one can make, with the process id in it, keeps the two apart. A killed owner is found
 * out; a stopped one is not waited for longer than OWNER_MS, as a worker must not hang on a frozen forwarder.
 */
const OWNER_MS = 1000;
const POLL_MS = 1;
/** Looked at so often besides: where the whole machine stood still, the owner has had no time either. */
const OWNER_POLLS = 100;
const pause = new Int32Array(new SharedArrayBuffer(4));

export function withOpenLock<T>(dataFile: string, run: () => T): T {
  const lockFile = `${dataFile}.opening`;
  const isMine = acquire(lockFile);
  try {
    return run();
  } finally {
    // Somebody who took us for stopped may have it by now.
    if (isMine && ownerOf(lockFile) === process.pid) rmSync(lockFile, { force: true });
  }
}

/** False when it cannot be had, for want of a place on the disk: then it goes without. */
function acquire(lockFile: string): boolean {
  const patience = new Patience();
  for (;;) {
    try {
      const descriptor = openSync(lockFile, 'wx', 0o600);
      writeSync(descriptor, String(process.pid));
      closeSync(descriptor);
      return true;
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') return false;
    }
    const found = statSync(lockFile, { throwIfNoEntry: false });
    if (found !== undefined && (patience.isOver(found) || hasDied(ownerOf(lockFile)))) {
      rmSync(lockFile, { force: true });
    } else Atomics.wait(pause, 0, 0, POLL_MS);
  }
}

/** How long this process has waited for one and the same owner. */
class Patience {
  private inode = -1;
  private madeAtMs = 0;
  private sinceMs = 0;
  private polls = 0;

  isOver({ ino, mtimeMs }: Stats): boolean {
    const nowMs = performance.now();
    if (ino !== this.inode || mtimeMs !== this.madeAtMs) {
      this.inode = ino;
      this.madeAtMs = mtimeMs;
      this.sinceMs = nowMs;
      this.polls = 0;
    }
    this.polls++;
    return nowMs - this.sinceMs > OWNER_MS && this.polls > OWNER_POLLS;
  }
}

/** 0 while it is being written, and when it is gone. */
function ownerOf(lockFile: string): number {
  try {
    return Number(readFileSync(lockFile, 'latin1'));
  } catch {
    return 0;
  }
}

function hasDied(owner: number): boolean {
  if (owner === 0) return false;
  // An earlier process that had our id.
  if (owner === process.pid) return true;
  try {
    process.kill(owner, 0);
    return false;
  } catch (error) {
    return errorCode(error) === 'ESRCH';
  }
}
