import { CALL_SECONDS, Tally } from '@k2hft/admin/tally';
import { PARKED, type FuseOperations, type FuseReplies, type FuseRequest } from '@k2hft/fuse';
import { TICK_NAME } from './tick-name.js';

/** The operations that say how a mount serves its programs: how long each of their calls took is shown. */
export const SHOWN_ONE_BY_ONE = ['write', 'fsync'] as const;

/** The operations as a driver serves them. */
export interface ServedOperations extends FuseOperations {
  /** The session that answers requests which wait. */
  answerThrough(replies: FuseReplies): void;
  /** Everything that time drives. */
  tick(): void;
}

type OperationName = keyof FuseOperations;

export interface OperationReport {
  /** Calls by operation, and the seconds that they took together. */
  operations: Record<string, { calls: number; seconds: number }>;
  durations: Record<(typeof SHOWN_ONE_BY_ONE)[number], { counts: number[]; sum: number }>;
}

interface Count {
  calls: number;
  ms: number;
  readonly tally: Tally | undefined;
}

type AnyOperation = (a: unknown, b: unknown, c: unknown, d: unknown, e: unknown) => unknown;

const TIMED: readonly OperationName[] = [
  ...(['lookup', 'forget', 'getattr', 'setattr', 'readlink', 'symlink', 'mknod', 'mkdir', 'unlink'] as const),
  ...(['rmdir', 'rename', 'link', 'open', 'create', 'read', 'write', 'flush', 'release', 'fsync'] as const),
  ...(['opendir', 'readdir', 'readdirplus', 'releasedir', 'fsyncdir', 'statfs', 'access'] as const),
  ...(['setxattr', 'getxattr', 'listxattr', 'removexattr', 'fallocate', 'lseek', 'copyFileRange'] as const),
];

const UNTIMED: readonly OperationName[] = ['interrupt', 'destroy'];

/**
 * Counts what the kernel asks for, and how long each answer takes. A request that waits is counted when it is answered.
 * It costs two looks at the clock per request.
 */
export class OperationTimings {
  private readonly counts = new Map<string, Count>();
  /** Requests that wait, by their numbers. */
  private readonly parked = new Map<number, { count: Count; startMs: number }>();

  /** The same operations, counted. What is absent stays absent: the kernel is told so. */
  timed(operations: ServedOperations): ServedOperations {
    const table: Partial<Record<OperationName, AnyOperation>> = {};
    for (const name of TIMED) {
      const operation = bound(operations, name);
      if (operation !== undefined) table[name] = this.timedOperation(name, operation);
    }
    for (const name of UNTIMED) {
      const operation = bound(operations, name);
      if (operation !== undefined) table[name] = operation;
    }
    return {
      ...(table as FuseOperations),
      answerThrough: (replies) => {
        operations.answerThrough(this.answering(replies));
      },
      tick: () => {
        operations.tick();
      },
    };
  }

  /** Replies that tell here that a request waits no longer. */
  private answering(replies: FuseReplies): FuseReplies {
    const ended = (request: FuseRequest) => {
      this.answered(request.unique);
    };
    return {
      replyError: (request, errno) => {
        ended(request);
        replies.replyError(request, errno);
      },
      replyEmpty: (request) => {
        ended(request);
        replies.replyEmpty(request);
      },
      replyWritten: (request, bytes) => {
        ended(request);
        replies.replyWritten(request, bytes);
      },
      replyEntry: (request, entry) => {
        ended(request);
        replies.replyEntry(request, entry);
      },
      replyAttributes: (request, attributes, validMs) => {
        ended(request);
        replies.replyAttributes(request, attributes, validMs);
      },
    };
  }

  report(): OperationReport {
    const operations: OperationReport['operations'] = {};
    for (const [name, { calls, ms }] of this.counts) operations[name] = { calls, seconds: ms / 1000 };
    const empty = () => new Tally(CALL_SECONDS).toJSON();
    const durations = { write: empty(), fsync: empty() };
    for (const name of SHOWN_ONE_BY_ONE)
      durations[name] = this.counts.get(name)?.tally?.toJSON() ?? durations[name];
    return { operations, durations };
  }

  private timedOperation(name: OperationName, operation: AnyOperation): AnyOperation {
    const isShown = (SHOWN_ONE_BY_ONE as readonly string[]).includes(name);
    const count: Count = { calls: 0, ms: 0, tally: isShown ? new Tally(CALL_SECONDS) : undefined };
    return (a, b, c, d, e) => {
      // The tick is no program's request.
      if (b === TICK_NAME) return operation(a, b, c, d, e);
      if (count.calls === 0) this.counts.set(name, count);
      const startMs = performance.now();
      let result: unknown;
      try {
        result = operation(a, b, c, d, e);
      } finally {
        if (result === PARKED) this.parked.set((a as FuseRequest).unique, { count, startMs });
        else add(count, performance.now() - startMs);
      }
      return result;
    };
  }

  private answered(unique: number): void {
    const waited = this.parked.get(unique);
    if (waited === undefined) return;
    this.parked.delete(unique);
    add(waited.count, performance.now() - waited.startMs);
  }
}

function bound(operations: ServedOperations, name: OperationName): AnyOperation | undefined {
  const operation: unknown = Reflect.get(operations, name);
  return typeof operation === 'function' ? (operation.bind(operations) as AnyOperation) : undefined;
}

function add(count: Count, ms: number): void {
  count.calls++;
  count.ms += ms;
  count.tally?.add(ms / 1000);
}
