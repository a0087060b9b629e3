import { ERRNO, errnoOf } from './errno.js';
import type { Answer, Done } from './native-binding.js';
import { PARKED, type FuseRequest, type Parked } from './operations.js';

export interface NativeCallsOptions {
  /** Called after each operation. */
  onRequestEnd: () => void;
  /** An operation failed with something that is no error number; the caller got EIO. */
  onFault: (error: unknown) => void;
}

interface Parking {
  readonly done: Done;
  readonly finish: (() => void) | undefined;
}

/** Makes a request of each call of libfuse, and answers it: at once, or later when the operation parks it. */
export class NativeCalls {
  private readonly parked = new Map<number, Parking>();
  private unique = 0;

  constructor(private readonly options: NativeCallsOptions) {}

  /** libfuse knows who calls, but fuse-native does not tell: the caller is taken to be who mounted. */
  request(nodeId: number): FuseRequest {
    this.unique++;
    const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
    return { unique: this.unique, uniqueLow: 0, uniqueHigh: 0, resent: false, nodeId, uid, gid, pid: 0 };
  }

  /** An operation that answers with a number or with nothing, now or later; `finish` is called when it is answered. */
  number(
    done: Done,
    operation: (request: FuseRequest) => number | Parked | undefined,
    finish?: () => void,
  ): void {
    const request = this.request(0);
    let result: number;
    try {
      const outcome = operation(request);
      if (outcome === PARKED) {
        this.parked.set(request.unique, { done, finish });
        this.options.onRequestEnd();
        return;
      }
      result = outcome ?? 0;
    } catch (error) {
      result = -this.errno(error);
    }
    finish?.();
    done(result);
    this.options.onRequestEnd();
  }

  /** An operation that answers with a value, at once. */
  value<T>(answer: Answer<T>, operation: () => T): void {
    try {
      answer(0, operation());
    } catch (error) {
      answer(-this.errno(error));
    }
    this.options.onRequestEnd();
  }

  /** Answers a parked request: a number of bytes, 0, or a negative error number. */
  answer(request: FuseRequest, result: number): void {
    const parking = this.parked.get(request.unique);
    if (parking === undefined) return;
    this.parked.delete(request.unique);
    parking.finish?.();
    parking.done(result);
  }

  private errno(error: unknown): number {
    const errno = errnoOf(error);
    if (errno === undefined) this.options.onFault(error);
    return errno ?? ERRNO.EIO;
  }
}
