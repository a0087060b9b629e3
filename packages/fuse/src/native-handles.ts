import { FuseError } from './errno.js';
import type { Looked } from './native-walk.js';

export interface NativeHandle {
  readonly nodeId: number;
  readonly handle: number;
  readonly openFlags: number;
  /** Held as long as the file is open. */
  readonly looked: Looked;
}

/** fuse-native's descriptors are numbers of 32 bits, the file systems' handles need not be: this stands between them. */
export class NativeHandles {
  private readonly handles = new Map<number, NativeHandle>();
  private readonly free: number[] = [];

  add(handle: NativeHandle): number {
    const descriptor = this.free.pop() ?? this.handles.size;
    this.handles.set(descriptor, handle);
    return descriptor;
  }

  get(descriptor: number): NativeHandle {
    const found = this.handles.get(descriptor);
    if (found === undefined) throw new FuseError('EBADF');
    return found;
  }

  take(descriptor: number): NativeHandle {
    const found = this.get(descriptor);
    this.handles.delete(descriptor);
    this.free.push(descriptor);
    return found;
  }
}
