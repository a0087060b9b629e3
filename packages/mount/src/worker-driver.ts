import type { Log } from '@k2hft/config';
import type { FuseOperations, FuseReplies } from '@k2hft/fuse';
import type { Mounting } from './child-arguments.js';
import { KernelWorker } from './worker-kernel.js';
import { NativeWorker } from './worker-native.js';

/** The operations as a driver serves them. */
export interface ServedOperations extends FuseOperations {
  /** The session that answers requests which wait. */
  answerThrough(replies: FuseReplies): void;
  /** Everything that time drives. */
  tick(): void;
}

export interface WorkerDriverOptions {
  mountPoint: string;
  headroomBytes: number;
  log: Log;
  onFault: (error: unknown) => void;
}

/** The worker's part of a driver: how requests come to the operations. */
export interface WorkerDriver {
  /** Requests begin to wait for room or a checkpoint, or none waits any more. */
  parking(waiting: boolean): void;
  /** Serves until the mount is gone. */
  serve(operations: ServedOperations): Promise<void>;
}

export function workerDriver(mounting: Mounting, options: WorkerDriverOptions): WorkerDriver {
  return mounting.driver === 'kernel'
    ? new KernelWorker(options, mounting.negotiated)
    : new NativeWorker(options, mounting);
}
