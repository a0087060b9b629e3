import { writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { errnoOf, findMount, fuseUnmount, NativeSession } from '@k2hft/fuse';
import { CONTROL_ALIVE, WORKER_CONTROL_FD, type Mounting } from './child-arguments.js';
import { FILE_SYSTEM_TYPE } from './mount-point.js';
import type { ServedOperations, WorkerDriver, WorkerDriverOptions } from './worker-driver.js';

const TICK_MS = 1_000;
/** While requests wait for room or for a checkpoint. */
const WAITING_TICK_MS = 5;
/** libfuse does not tell that the mount is gone: it is looked for this often. */
const ENDED_POLL_MS = 250;

/**
 * Makes a mount of its own through libfuse, and serves it from the event loop, where time comes from timers. The mount of
 * a worker that was killed is still there, and answers every call with an error; it is taken away only in the moment
 * before the new one is made, since programs would otherwise write into the directory below, which nobody sends.
 */
export class NativeWorker implements WorkerDriver {
  private operations: ServedOperations | undefined;
  private timer: NodeJS.Timeout | undefined;
  private waiting = false;

  constructor(
    private readonly options: WorkerDriverOptions,
    private readonly mounting: Extract<Mounting, { driver: 'fuse-native' }>,
  ) {}

  parking(waiting: boolean): void {
    this.waiting = waiting;
    if (waiting) this.schedule();
  }

  async serve(operations: ServedOperations): Promise<void> {
    const { mountPoint, headroomBytes, onFault } = this.options;
    const { source, flags, allowOther } = this.mounting;
    const session = new NativeSession({
      point: mountPoint,
      operations,
      subtype: 'k2hft',
      ...(source === undefined ? {} : { source }),
      flags,
      allowOther,
      headroomBytes,
      onFault,
    });
    operations.answerThrough(session);
    await takeAwayDead(mountPoint);
    await session.mount();
    this.operations = operations;
    this.tick();
    const heartbeat = setInterval(tellAlive, TICK_MS);
    tellAlive();
    while (!session.hasEnded()) await sleep(ENDED_POLL_MS);
    clearInterval(heartbeat);
    clearTimeout(this.timer);
  }

  private tick(): void {
    try {
      this.operations?.tick();
    } catch (error) {
      // A disk that is full, for example: it is tried again with the next tick.
      if (errnoOf(error) === undefined) this.options.onFault(error);
    }
    this.schedule();
  }

  private schedule(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(
      () => {
        this.tick();
      },
      this.waiting ? WAITING_TICK_MS : TICK_MS,
    );
  }
}

/** Nothing is looked at afterwards: the time until the new mount is what programs can write past it. */
async function takeAwayDead(mountPoint: string): Promise<void> {
  if ((await findMount(mountPoint))?.type === FILE_SYSTEM_TYPE) await fuseUnmount(mountPoint, { lazy: true });
}

function tellAlive(): void {
  try {
    writeSync(WORKER_CONTROL_FD, CONTROL_ALIVE);
  } catch {
    // The supervisor is gone, or has many such bytes unread: either way there is nobody to tell.
  }
}
