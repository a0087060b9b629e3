import { attributeOperations } from './native-attributes.js';
import { findFuseDescriptor, isFuseDescriptor } from './native-device.js';
import { nativeMount, type NativeMount } from './native-binding.js';
import { NativeCalls } from './native-calls.js';
import type { NativeContext } from './native-context.js';
import { directoryOperations } from './native-directories.js';
import { fileOperations } from './native-files.js';
import { NativeHandles } from './native-handles.js';
import { NativeWalk } from './native-walk.js';
import { MountError, type MountErrorCode } from './mount-error.js';
import type { FuseOperations, FuseReplies, FuseRequest } from './operations.js';

export interface NativeSessionOptions {
  point: string;
  operations: FuseOperations;
  /** Shown as the type `fuse.<subtype>`. */
  subtype: string;
  /** Shown as the source of the mount; the subtype when absent. */
  source?: string;
  /** Flags for the kernel that libfuse 2 knows, see {@link NATIVE_FLAGS}. */
  flags?: readonly string[];
  /** Programs of other users may use it; a user other than root needs `user_allow_other` in /etc/fuse.conf. */
  allowOther?: boolean;
  /** How many bytes in front of a write's data the operation may use; 0 when absent. */
  headroomBytes?: number;
  /** Called after each operation, when its answer is given or it is parked. */
  onRequestEnd?: () => void;
  /** Told of errors that are no answers. Printed to standard error when absent. */
  onFault?: (error: unknown) => void;
}

/**
 * Options of libfuse that fuse-native has no setting for; it passes on what stands behind the name of the file system.
 * Without big_writes every write comes in pieces of 4 KiB; use_ino shows the file system's own inode numbers, which
 * `tail -F` compares; without nonempty only an empty directory can be mounted on.
 */
const FURTHER_OPTIONS = ['big_writes', 'use_ino', 'nonempty'];

/** Mount options that libfuse 2 hands to the kernel; it refuses others. */
export const NATIVE_FLAGS: ReadonlySet<string> = new Set(
  'ro rw suid nosuid dev nodev exec noexec sync async dirsync atime noatime'.split(' '),
);

/**
 * The second driver: one mount through libfuse 2, for users without root, who have its fusermount, and for systems
 * without /dev/fuse. It calls the same operations as a FuseSession, from this process's event loop.
 *
 * What it cannot do: it does not know who calls (the user who mounted stands for everybody, and pid is 0), nor with
 * which flags a new file is opened; names must be UTF-8; the time of last change that is given to a file is its time of
 * access; inode numbers have 32 bits; and the mount dies with this process.
 *
 * Deadlocks: as for FuseSession, a process must never make a synchronous file call on a mount that it serves.
 */
export class NativeSession implements FuseReplies {
  private readonly calls: NativeCalls;
  private readonly mounted: NativeMount;
  private device: number | undefined;

  /** Throws {@link MountError} `no_driver` where fuse-native does not work. */
  constructor(options: NativeSessionOptions) {
    const { point, operations, subtype, allowOther = true, headroomBytes = 0 } = options;
    const { source = subtype, flags = [] } = options;
    const { onRequestEnd = () => undefined, onFault = printFault } = options;
    const calls = new NativeCalls({ onRequestEnd, onFault });
    const walk = new NativeWalk(operations, (nodeId) => calls.request(nodeId));
    const context: NativeContext = { operations, calls, walk, handles: new NativeHandles(), headroomBytes };
    this.calls = calls;
    this.mounted = nativeMount(
      point,
      { ...attributeOperations(context), ...fileOperations(context), ...directoryOperations(context) },
      {
        timeout: false,
        fsname: [escapeOption(source), ...FURTHER_OPTIONS, ...flags].join(','),
        subtype,
        allowOther,
        defaultPermissions: true,
      },
    );
  }

  /** Resolves when programs can use it. Rejects with {@link MountError} `mount_failed`. */
  async mount(): Promise<void> {
    await settled('mount_failed', 'mount', (done) => {
      this.mounted.mount(done);
    });
    this.device = findFuseDescriptor();
  }

  /**
   * Whether the mount is gone, and with it its last user: libfuse closes the device then, and tells nobody. Always false
   * on systems other than Linux.
   */
  hasEnded(): boolean {
    return this.device !== undefined && !isFuseDescriptor(this.device);
  }

  /** Takes it out of sight; it is gone when its last user is. Rejects with {@link MountError} `unmount_failed`. */
  unmount(): Promise<void> {
    return settled('unmount_failed', 'unmount', (done) => {
      this.mounted.unmount(done);
    });
  }

  replyError(request: FuseRequest, errno: number): void {
    this.calls.answer(request, -errno);
  }

  replyEmpty(request: FuseRequest): void {
    this.calls.answer(request, 0);
  }

  replyWritten(request: FuseRequest, bytes: number): void {
    this.calls.answer(request, bytes);
  }

  /** A walk never waits for a look-up, so nobody does. */
  replyEntry(request: FuseRequest): void {
    this.calls.answer(request, 0);
  }

  replyAttributes(request: FuseRequest): void {
    this.calls.answer(request, 0);
  }
}

function settled(
  code: MountErrorCode,
  what: string,
  act: (done: (error?: Error | null) => void) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    act((cause) => {
      if (cause instanceof Error) {
        reject(new MountError(code, `fuse-native cannot ${what}: ${cause.message}`, { cause }));
      } else resolve();
    });
  });
}

/** In a list of options, commas end a value. */
function escapeOption(value: string): string {
  return value.replace(/[\\,]/g, '\\$&');
}

function printFault(error: unknown): void {
  console.error('fuse: an operation failed:', error);
}
