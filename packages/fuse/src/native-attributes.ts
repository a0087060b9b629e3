import type { NativeOperations, NativeStat, NativeStatistics } from './native-binding.js';
import type { NativeContext } from './native-context.js';
import { namesOf } from './native-names.js';
import {
  PARKED,
  type AttributeChanges,
  type Attributes,
  type FileSystemStatistics,
  type FuseRequest,
  type Parked,
  type Timestamp,
} from './operations.js';
import { required } from './native-context.js';

type AttributeOperations = Pick<
  NativeOperations,
  'getattr' | 'fgetattr' | 'truncate' | 'ftruncate' | 'chmod' | 'chown' | 'utimens' | 'statfs'
>;

/** chown(2) leaves an id as it is when it is -1, which arrives as the largest number of 32 bits. */
const ID_UNCHANGED = 0xffff_ffff;

export function attributeOperations(context: NativeContext): AttributeOperations {
  const { calls, walk, handles, operations } = context;
  const stat = (nodeId: number, handle?: number) =>
    statOf(required(operations.getattr?.(calls.request(nodeId), handle)).attributes);
  const set = (request: FuseRequest, changes: AttributeChanges): Parked | undefined =>
    required(operations.setattr?.(request, changes)) === PARKED ? PARKED : undefined;
  const change = (path: string, changes: AttributeChanges, done: (result: number) => void) => {
    calls.number(done, (request) =>
      walk.with(namesOf(path), (nodeId) => set({ ...request, nodeId }, changes)),
    );
  };
  return {
    getattr: (path, answer) => {
      calls.value(answer, () => walk.with(namesOf(path), (nodeId) => stat(nodeId)));
    },
    fgetattr: (_path, descriptor, answer) => {
      calls.value(answer, () => {
        const { nodeId, handle } = handles.get(descriptor);
        return stat(nodeId, handle);
      });
    },
    truncate: (path, sizeBytes, done) => {
      change(path, { sizeBytes }, done);
    },
    ftruncate: (_path, descriptor, sizeBytes, done) => {
      calls.number(done, (request) => {
        const { nodeId, handle } = handles.get(descriptor);
        return set({ ...request, nodeId }, { sizeBytes, handle });
      });
    },
    chmod: (path, mode, done) => {
      change(path, { mode: mode & 0o7777 }, done);
    },
    chown: (path, uid, gid, done) => {
      const changes: AttributeChanges = {};
      if (uid !== ID_UNCHANGED && uid >= 0) changes.uid = uid;
      if (gid !== ID_UNCHANGED && gid >= 0) changes.gid = gid;
      change(path, changes, done);
    },
    utimens: (path, atimeMs, mtimeMs, done) => {
      change(path, { atime: timestampOf(atimeMs), mtime: timestampOf(mtimeMs) }, done);
    },
    statfs: (path, answer) => {
      calls.value(answer, () =>
        walk.with(namesOf(path), (nodeId) =>
          statisticsOf(required(operations.statfs?.(calls.request(nodeId)))),
        ),
      );
    },
  };
}

function timestampOf(ms: number): Timestamp {
  const seconds = Math.floor(ms / 1000);
  return { seconds, nanos: Math.round((ms - seconds * 1000) * 1e6) };
}

function statOf(attributes: Attributes): NativeStat {
  const { mode, uid, gid, nlink, ino, rdev, blocks, sizeBytes, blockBytes } = attributes;
  const atime = millisecondsOf(attributes.atime);
  const mtime = millisecondsOf(attributes.mtime);
  const ctime = millisecondsOf(attributes.ctime);
  return {
    mode,
    uid,
    gid,
    nlink,
    ino,
    rdev,
    blocks,
    size: sizeBytes,
    blksize: blockBytes,
    atime,
    mtime,
    ctime,
  };
}

function millisecondsOf({ seconds, nanos }: Timestamp): number {
  return seconds * 1000 + Math.floor(nanos / 1e6);
}

function statisticsOf(statistics: FileSystemStatistics): NativeStatistics {
  return {
    bsize: statistics.blockBytes,
    frsize: statistics.fragmentBytes,
    blocks: statistics.blocks,
    bfree: statistics.blocksFree,
    bavail: statistics.blocksAvailable,
    files: statistics.files,
    ffree: statistics.filesFree,
    favail: statistics.filesFree,
    namemax: statistics.nameBytesMax,
  };
}
