import { writeSync } from 'node:fs';
import { FuseSession, type Negotiated } from '@k2hft/fuse';
import {
  CONTROL_NOTHING_WAITS,
  CONTROL_WAITING,
  WORKER_CONTROL_FD,
  WORKER_FUSE_FD,
} from './child-arguments.js';
import type { ServedOperations, WorkerDriver, WorkerDriverOptions } from './worker-driver.js';

/** Serves the mount that the supervisor holds, blocked in its /dev/fuse. Time comes as look-ups of the tick's name. */
export class KernelWorker implements WorkerDriver {
  constructor(
    private readonly options: WorkerDriverOptions,
    private readonly negotiated: Negotiated,
  ) {}

  parking(waiting: boolean): void {
    tellSupervisor(waiting ? CONTROL_WAITING : CONTROL_NOTHING_WAITS);
  }

  /** Everything has happened when it returns. */
  serve(operations: ServedOperations): Promise<void> {
    const { headroomBytes, onFault } = this.options;
    const { negotiated } = this;
    const session = new FuseSession({ fd: WORKER_FUSE_FD, operations, negotiated, headroomBytes, onFault });
    operations.answerThrough(session);
    // Also when the rows are new: the mount may be an old one whose queue was set aside. A new mount has nothing to resend.
    session.resend();
    session.run();
    return Promise.resolve();
  }
}

function tellSupervisor(message: string): void {
  try {
    writeSync(WORKER_CONTROL_FD, message);
  } catch {
    // The supervisor is gone or has many such bytes unread: either way there is nobody to tell.
  }
}
