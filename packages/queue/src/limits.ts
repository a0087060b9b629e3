/**
 * The largest batch, and the largest row. The LMDB binding copies values out through a buffer of 16 MiB; larger
 * ones take another way, in which a value can be seen after its page was reused.
 */
export const VALUE_BYTES_MAX = 16 * 1024 * 1024 - 1;

/**
 * Free bytes without which no LMDB environment is opened: its lock file is mapped, and touching a page of it for
 * which the disk has no block ends the process with SIGBUS. The files need some 30 KiB; other programs write too.
 */
export const OPEN_RESERVE_BYTES = 1024 * 1024;

/** Left free by the store: a file of it is made when the disk is nearly full, and hot may be opened after that. */
export const STORE_RESERVE_BYTES = 2 * OPEN_RESERVE_BYTES;

/** Reader slots: a worker, a forwarder, a few command lines, and the slots of killed ones until they are cleared. */
export const READERS_MAX = 64;

/** Deleted in one transaction: enough to catch up, few enough that no append takes long. */
export const DELETES_PER_TRANSACTION = 8;

/** After so many appended bytes, and on every collect(), the room is measured again. */
export const ROOM_CHECK_BYTES = 16 * 1024 * 1024;

/** append() looks at what the drain has told after so many appended bytes, */
export const TOLD_CHECK_BYTES = 1024 * 1024;

/** or after so many milliseconds. */
export const TOLD_CHECK_MS = 2;

/**
 * More than this in hot goes into the store at once, however young it is: with more than some 100 MB of pages, LMDB's
 * list of free ones costs more than everything else. What is in flight to the servers is less.
 */
export const HOT_BYTES_SOFT = 96 * 1024 * 1024;

/** A hot whose file is at least this large is copied into a new one when little is in it. */
export const RENEW_FILE_BYTES = 192 * 1024 * 1024;

/** Little: copying it takes some 20 ms, in which the mount waits. */
export const RENEW_USED_BYTES_MAX = 24 * 1024 * 1024;

/**
 * When next to nothing is in it, a smaller file is worth it too: the file is mapped, and what of it was touched counts
 * as memory of the worker and of the forwarder. The copy takes a moment, as it holds little but names.
 */
export const RENEW_IDLE_FILE_BYTES = 32 * 1024 * 1024;
export const RENEW_IDLE_USED_BYTES_MAX = 1024 * 1024;

/** Not more often than this, whatever happens. */
export const RENEW_INTERVAL_MS = 5000;

/** Of one transaction into the store: its copy is held in memory until it is on disk. */
export const STORE_TRANSACTION_BYTES = 32 * 1024 * 1024;

/** And so many batches: each costs about a microsecond of the forwarder's time. */
export const STORE_TRANSACTION_BATCHES = 16_384;

/** Files of the store: 1/64 of the queue, within these bounds. A file leaves the disk when all of it is acked. */
const STORE_FILE_BYTES_MAX = 256 * 1024 * 1024;
const STORE_FILE_BYTES_MIN = 1024 * 1024;

/**
 * A commit that takes longer is given up: LMDB's binding may never settle a promise after the disk failed. The
 * slowest disks need seconds for 32 MiB.
 */
export const WRITE_DEADLINE_MS = 60_000;

/** After the store or the state could not be written, so long until the next try. */
export const RETRY_MS = 1000;

/** Changed cursors reach the crash-proof state at least so often: that is as far as they fall back with the power. */
export const STATE_SAVE_MS = 1000;

/** Set in a batch's flags: in the store before it is read. The wire format gives this bit the same name. */
export const FLAG_DURABLE_FIRST = 8;

export function storeFileBytes(maxSizeBytes: number): number {
  return Math.min(STORE_FILE_BYTES_MAX, Math.max(STORE_FILE_BYTES_MIN, Math.floor(maxSizeBytes / 64)));
}
