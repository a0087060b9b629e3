import { constants } from 'node:fs';
import type { NativeOperations } from './native-binding.js';
import { required, type NativeContext } from './native-context.js';
import { namesOf, splitLast } from './native-names.js';
import type { FuseRequest, Parked } from './operations.js';

type FileOperations = Pick<
  NativeOperations,
  'open' | 'create' | 'read' | 'write' | 'flush' | 'release' | 'fsync'
>;

/** The largest write of libfuse 2 with big writes. */
const WRITE_BYTES = 128 * 1024;

/** libfuse does not pass on with which flags a new file is opened. */
const CREATE_FLAGS = constants.O_RDWR | constants.O_CREAT;

export function fileOperations(context: NativeContext): FileOperations {
  const { calls, handles, operations } = context;
  const copier = new WriteCopier(context);
  return {
    open: (path, flags, answer) => {
      calls.value(answer, () => openFile(context, path, flags));
    },
    create: (path, mode, answer) => {
      calls.value(answer, () => createFile(context, path, mode));
    },
    read: (_path, descriptor, target, bytes, offset, done) => {
      calls.number(done, (request) => {
        const { nodeId, handle } = handles.get(descriptor);
        const room = target.subarray(0, bytes);
        return required(operations.read?.({ ...request, nodeId }, handle, offset, room));
      });
    },
    write: (_path, descriptor, source, bytes, offset, done) => {
      calls.number(done, (request) => copier.write(request, descriptor, source.subarray(0, bytes), offset));
    },
    flush: (_path, descriptor, done) => {
      calls.number(done, (request) => {
        const { nodeId, handle } = handles.get(descriptor);
        return operations.flush?.({ ...request, nodeId }, handle) ?? undefined;
      });
    },
    fsync: (_path, dataOnly, descriptor, done) => {
      calls.number(done, (request) => {
        const { nodeId, handle } = handles.get(descriptor);
        return operations.fsync?.({ ...request, nodeId }, handle, dataOnly !== 0) ?? undefined;
      });
    },
    release: (_path, descriptor, done) => {
      const { nodeId, handle, openFlags, looked } = handles.take(descriptor);
      const letGo = () => {
        context.walk.letGo(looked);
      };
      calls.number(
        done,
        (request) => operations.release?.({ ...request, nodeId }, handle, openFlags) ?? undefined,
        letGo,
      );
    },
  };
}

function openFile({ walk, handles, operations, calls }: NativeContext, path: string, flags: number): number {
  const { nodeId, looked } = walk.find(namesOf(path));
  try {
    const { handle } = required(operations.open?.(calls.request(nodeId), flags));
    return handles.add({ nodeId, handle, openFlags: flags, looked });
  } catch (error) {
    walk.letGo(looked);
    throw error;
  }
}

function createFile({ walk, handles, operations, calls }: NativeContext, path: string, mode: number): number {
  const { parent, last } = splitLast(path);
  const { nodeId: parentId, looked } = walk.find(parent);
  try {
    const created = required(operations.create?.(calls.request(parentId), last, CREATE_FLAGS, mode));
    const { nodeId } = created.entry;
    const { handle } = created.opened;
    return handles.add({ nodeId, handle, openFlags: CREATE_FLAGS, looked: [...looked, nodeId] });
  } catch (error) {
    walk.letGo(looked);
    throw error;
  }
}

/** The bytes of a write are libfuse's: they are copied behind free room of our own. */
class WriteCopier {
  private buffer: Buffer;

  constructor(private readonly context: NativeContext) {
    this.buffer = Buffer.allocUnsafeSlow(context.headroomBytes + WRITE_BYTES);
  }

  write(request: FuseRequest, descriptor: number, source: Buffer, offset: number): number | Parked {
    const { handles, headroomBytes: start, operations } = this.context;
    const { nodeId, handle, openFlags } = handles.get(descriptor);
    const end = start + source.length;
    if (this.buffer.length < end) this.buffer = Buffer.allocUnsafeSlow(end);
    source.copy(this.buffer, start);
    const write = { handle, offset, buffer: this.buffer, start, end, fromCache: false, openFlags };
    return required(operations.write?.({ ...request, nodeId }, write));
  }
}
