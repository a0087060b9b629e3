import { FuseError } from './errno.js';
import type { NativeCalls } from './native-calls.js';
import type { NativeHandles } from './native-handles.js';
import type { NativeWalk } from './native-walk.js';
import type { FuseOperations } from './operations.js';

/** What all operations of the second driver share. */
export interface NativeContext {
  readonly operations: FuseOperations;
  readonly calls: NativeCalls;
  readonly walk: NativeWalk;
  readonly handles: NativeHandles;
  /** How many bytes in front of a write's data the operation may use. */
  readonly headroomBytes: number;
}

/** Throws ENOSYS where the file system does not have the operation. */
export function required<T>(result: T | undefined): T {
  if (result === undefined) throw new FuseError('ENOSYS');
  return result;
}
