import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { appendTo, createLog, ExitStatus, type Log } from '@k2hft/config';
import { MountError } from '@k2hft/fuse';
import { QueueError } from '@k2hft/queue';
import { Capture } from './capture.js';
import type { CopyFiles } from './copy-files.js';
import { openCopies } from './copy-open.js';
import {
  readChildArguments,
  WORKER_CONTROL_FD,
  WORKER_ROOT_FD,
  type ChildArguments,
} from './child-arguments.js';
import type { FileTree } from './file-tree.js';
import { dieWithSupervisor } from './guard.js';
import { OperationTimings } from './operation-timings.js';
import { MountOperations } from './operations.js';
import { OverlayTree } from './overlay-tree.js';
import { PendingRows } from './pending-rows.js';
import { compileRules } from './rules.js';
import { VirtualTree } from './virtual-tree.js';
import { WallClock } from './wall-clock.js';
import { UnavailableQueue } from './unavailable-queue.js';
import { WorkerQueue } from './worker-queue.js';
import type { MountQueue } from './mount-queue.js';
import { workerDriver } from './worker-driver.js';
import { WorkerReport } from './worker-report.js';

/** Room in front of a write's bytes for a batch header and an unfinished line; longer ones are copied. */
const HEADROOM_BYTES = 128 * 1024;
const MOUNT_ID_KEY = 'm';
/** What K2HFTFUSE shows, whatever is in its queue. */
const ENDLESS_ROOM = { totalBytes: 1024 ** 4, freeBytes: 1024 ** 4 };
const ROOT_PATH = `/proc/self/fd/${WORKER_ROOT_FD}`;

/**
 * The process that serves the mount. It handles and answers one request at a time, with synchronous calls only, until the
 * mount is gone.
 */
async function main(): Promise<void> {
  // Children end when the supervisor says so: a terminal's or a service manager's signal to all of them is not meant for the worker.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
  const umask = process.umask(0);
  const given = mountingOf(readChildArguments());
  const log = createLog('k2hft', given.settings.log, appendTo(2));
  if (!given.finishOnly) dieWithSupervisor(WORKER_CONTROL_FD);
  try {
    await serve(given, umask, log);
  } catch (error) {
    if (error instanceof MountError) {
      log('error', error.message);
      process.exit(ExitStatus.UNAVAILABLE);
    }
    log(
      'error',
      `the mount worker failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    );
    process.exit(ExitStatus.FAULT);
  }
  process.exit(ExitStatus.DONE);
}

/** A worker that makes its mount itself never has the one of another: whatever was open is closed, and its lines are ended. */
function mountingOf(given: ChildArguments): ChildArguments {
  return given.mounting.driver === 'kernel' ? given : { ...given, mountId: randomUUID() };
}

async function serve(given: ChildArguments, umask: number, log: Log): Promise<void> {
  const { settings } = given;
  const clock = new WallClock();
  const rows = new PendingRows();
  const queue = openQueue(given, log);
  const storedMountId = queue.row(MOUNT_ID_KEY);
  const fresh = storedMountId === undefined || Buffer.from(storedMountId).toString() !== given.mountId;
  if (fresh) rows.put(MOUNT_ID_KEY, Buffer.from(given.mountId));
  const tree = given.finishOnly ? undefined : openTree(given, queue, rows, fresh);
  const findRule = compileRules(settings.rules);
  const below = settings.mount.mode === 'overlay' ? ROOT_PATH : undefined;
  const copies = openCopies({ settings, mountPoint: given.mountPoint, findRule, below, umask, queue, log });
  const capture = new Capture({
    queue,
    rows,
    findRule,
    host: settings.host,
    clock,
    sizeBytes: (nodeId) => tree?.sizeBytes(nodeId) ?? 0,
    dropped: (records, bytes) => {
      queue.noteDropped(records, bytes);
    },
    warn: (message) => {
      log('warn', message);
    },
    ...(copies === undefined ? {} : { copies: copies.router }),
  });
  copies?.router.attach(capture.stages);
  queue.recoverDurableRests();
  const openHandles = fresh || tree === undefined ? [] : [...tree.openHandles()];
  capture.restore(new Set(openHandles.map(({ handle }) => handle)));
  if (tree !== undefined) capture.adopt(openHandles, (nodeId) => tree.pathOf(nodeId));
  queue.putRows(rows);
  queue.wake();
  if (tree !== undefined)
    await serveMount(given, { tree, capture, queue, rows, clock, log, copies: copies?.files });
  capture.endAll();
  copies?.files.close(rows);
  queue.putRows(rows);
  queue.wake();
  queue.close();
}

/** A mount that cannot queue is better than none: programs read on, and get ENOSPC where a line has no room. */
function openQueue(given: ChildArguments, log: Log): MountQueue {
  const { settings, mountId, finishOnly } = given;
  try {
    return WorkerQueue.open(settings.queue, log, settings.servers.deliver === 'broadcast');
  } catch (error) {
    const { syscall } = error as NodeJS.ErrnoException;
    const isOfTheDisk = error instanceof QueueError || syscall !== undefined;
    if (!isOfTheDisk || finishOnly) throw error;
    log('error', `the queue cannot be opened, tried every second: ${(error as Error).message}`);
    return new UnavailableQueue(settings.queue, mountId, MOUNT_ID_KEY, log);
  }
}

function openTree(given: ChildArguments, queue: MountQueue, rows: PendingRows, fresh: boolean): FileTree {
  const { umask, uid, gid, mode, present, df } = given.settings.mount;
  const show = {
    ...(umask === undefined ? {} : { umask }),
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
  };
  const common = { rows, stored: queue, fresh, show };
  if (mode === 'overlay') return OverlayTree.open({ ...common, root: ROOT_PATH });
  const tailsDir = join(given.settings.queue.dir, 'tails');
  mkdirSync(tailsDir, { recursive: true, mode: 0o700 });
  return VirtualTree.open({
    ...common,
    tailsDir,
    present,
    rootOwner: given.rootOwner,
    room: () => (df === 'endless' ? ENDLESS_ROOM : queue.room()),
  });
}

interface Serving {
  tree: FileTree;
  capture: Capture;
  queue: MountQueue;
  rows: PendingRows;
  clock: WallClock;
  log: Log;
  copies: CopyFiles | undefined;
}

async function serveMount(given: ChildArguments, serving: Serving): Promise<void> {
  const { tree, capture, queue, rows, clock, log, copies } = serving;
  const { settings } = given;
  const driver = workerDriver(given.mounting, {
    mountPoint: given.mountPoint,
    headroomBytes: HEADROOM_BYTES,
    log,
    onFault: (error) => {
      log(
        'error',
        `a request failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
      );
    },
  });
  const timings = new OperationTimings();
  const report = new WorkerReport(
    settings.queue.dir,
    capture.counters,
    queue,
    copies?.counters,
    timings,
    () => operations.holdsWrites,
  );
  const operations: MountOperations = new MountOperations({
    tree,
    capture,
    queue,
    rows,
    whenFull: settings.queue.whenFull,
    maxWaitMs: settings.queue.maxWaitMs,
    directWrites: settings.mount.mode === 'overlay',
    flushesChunks: settings.rules.some(({ send }) => send === 'binary'),
    onTick: () => {
      clock.synchronize();
      copies?.tick(rows);
      report.write();
    },
    onParking: (waiting) => {
      driver.parking(waiting);
    },
    warn: (message) => {
      log('warn', message);
    },
  });
  await driver.serve(timings.timed(operations));
  tree.close();
}

await main();
