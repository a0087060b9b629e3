import { lstatSync, readlinkSync, rmSync, symlinkSync, type Stats } from 'node:fs';
import { errorCode } from './errors.js';

/**
 * Lets one process at a time open or close a database. The last one that closes it destroys the mutexes in LMDB's lock
 * file, and one that is just opening it would go on with the destroyed ones: reading fails then, writing ends the
 * process. A symbolic link that only one can make keeps the two apart; it is made together with what it says, which is
 * the process id. A killed owner is found out; a stopped one is not waited for longer than OWNER_MS, as a worker must
 * not hang on a frozen forwarder.
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
      symlinkSync(String(process.pid), lockFile);
      return true;
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') return false;
    }
    const found = lstatSync(lockFile, { throwIfNoEntry: false });
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

/** Undefined when it is gone. */
function ownerOf(lockFile: string): number | undefined {
  try {
    return Number(readlinkSync(lockFile));
  } catch {
    return undefined;
  }
}

function hasDied(owner: number | undefined): boolean {
  if (owner === undefined) return false;
  // An earlier process that had our id.
  if (owner === process.pid) return true;
  try {
    process.kill(owner, 0);
    return false;
  } catch (error) {
    return errorCode(error) === 'ESRCH';
  }
}
