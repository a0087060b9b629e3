import { FuseError, type ByteString, type FuseRequest } from '@k2hft/fuse';
import {
  chownSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  symlinkSync,
  unlinkSync,
  type BigIntStats,
} from 'node:fs';
import { DIRECTORY, inheritGroup, PERMISSIONS, REGULAR } from './attributes.js';
import { errorCode } from './handles-descriptors.js';
import type { OverlayNode } from './overlay-node-rows.js';
import type { OverlayNodes } from './overlay-nodes.js';
import { descriptorPath, O_PATH_NOFOLLOW, pathBytes, statOf, type OverlayPaths } from './overlay-paths.js';

interface Owner {
  readonly uid: number;
  readonly gid: number;
  /** With the file type. */
  readonly mode: number;
}

const NEW_FILE = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
const EXISTING_FILE = constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const EXISTING_DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/**
 * Makes files below the mount. The worker is another user than the caller, so owner and mode are set right after; an
 * earlier worker may have been killed in between, and the request that comes again then finishes what is there.
 */
export class OverlayCreation {
  constructor(
    private readonly nodes: OverlayNodes,
    private readonly paths: OverlayPaths,
  ) {}

  /** Returns the new file, open for reading and writing. */
  file(
    request: FuseRequest,
    name: ByteString,
    flags: number,
    mode: number,
  ): { fd: number; stat: BigIntStats } {
    const path = this.paths.entry(request.nodeId, name);
    const owner = this.ownerOf(request, REGULAR | (mode & PERMISSIONS));
    const fd = openNew(request, path, flags, owner.mode & PERMISSIONS);
    return finishing(fd, () => ({ fd, stat: giveTo(fd, owner) }));
  }

  directory(request: FuseRequest, name: ByteString, mode: number): BigIntStats {
    const path = this.paths.entry(request.nodeId, name);
    const owner = this.ownerOf(request, DIRECTORY | (mode & PERMISSIONS));
    const isNew = made(request, () => {
      mkdirSync(pathBytes(path), { mode: owner.mode & PERMISSIONS });
    });
    const fd = openSync(pathBytes(path), EXISTING_DIRECTORY);
    return finishing(
      fd,
      () => {
        const stat = fstatSync(fd, { bigint: true });
        const unfinished = isNew || (isOwn(stat) && readdirSync(pathBytes(path)).length === 0);
        return unfinished ? giveTo(fd, owner) : stat;
      },
      true,
    );
  }

  symlink(request: FuseRequest, name: ByteString, target: Buffer): BigIntStats {
    const path = this.paths.entry(request.nodeId, name);
    const isNew = made(request, () => {
      symlinkSync(target, pathBytes(path));
    });
    if (!isNew && !readlinkSync(pathBytes(path), { encoding: 'buffer' }).equals(target)) {
      throw new FuseError('EEXIST');
    }
    const { uid, gid } = this.ownerOf(request, 0);
    const fd = openSync(pathBytes(path), O_PATH_NOFOLLOW);
    return finishing(
      fd,
      () => {
        const stat = fstatSync(fd, { bigint: true });
        if (stat.isSymbolicLink() && mayGive(stat, uid, gid)) chownSync(descriptorPath(fd), uid, gid);
        return fstatSync(fd, { bigint: true });
      },
      true,
    );
  }

  link(request: FuseRequest, existing: OverlayNode, name: ByteString): BigIntStats {
    const from = this.paths.locate(existing).path;
    const path = this.paths.entry(request.nodeId, name);
    const isNew = made(request, () => {
      linkSync(pathBytes(from), pathBytes(path));
    });
    const stat = statOf(path);
    if (stat === undefined) throw new FuseError('ENOENT');
    if (this.nodes.isFile(existing, stat)) return stat;
    if (!isNew) throw new FuseError('EEXIST');
    // Somebody has put another file under the old name in between, from outside.
    unlinkSync(pathBytes(path));
    throw new FuseError('ESTALE');
  }

  private ownerOf(request: FuseRequest, mode: number): Owner {
    const parent = statOf(`${this.paths.directory(request.nodeId)}/.`);
    if (parent === undefined) throw new FuseError('ENOENT');
    const above = { mode: Number(parent.mode), gid: Number(parent.gid) };
    return { uid: request.uid, ...inheritGroup(above, { mode, gid: request.gid }) };
  }
}

/** True when `make` made it; false when it was there, and the request says that an earlier worker may have done it. */
function made(request: FuseRequest, make: () => void): boolean {
  try {
    make();
    return true;
  } catch (error) {
    if (errorCode(error) !== 'EEXIST' || !request.resent) throw error;
    return false;
  }
}

function openNew(request: FuseRequest, path: ByteString, flags: number, permissions: number): number {
  const synchronous = flags & (constants.O_SYNC | constants.O_DSYNC);
  try {
    return openSync(pathBytes(path), NEW_FILE | synchronous, permissions);
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
  }
  const unfinished = request.resent ? openUnfinished(request, path, synchronous) : undefined;
  if (unfinished !== undefined) return unfinished;
  // The kernel asks for a creation when it knows of no such file, and has not checked the caller's right to open the one
  // that is there. ESTALE makes it look the name up again and open that file in the ordinary way.
  throw new FuseError((flags & constants.O_EXCL) !== 0 ? 'EEXIST' : 'ESTALE');
}

/** Opens what an earlier worker has made for this very request; undefined when this cannot be it. */
function openUnfinished(request: FuseRequest, path: ByteString, synchronous: number): number | undefined {
  const present = statOf(path);
  if (present?.isFile() !== true) return undefined;
  const fd = openSync(pathBytes(path), EXISTING_FILE | synchronous);
  const stat = fstatSync(fd, { bigint: true });
  const own = isOwn(stat) || Number(stat.uid) === request.uid;
  // Nobody can have written into it, as its creation was never answered.
  if (stat.isFile() && stat.size === 0n && own) return fd;
  closeSync(fd);
  return undefined;
}

/** Runs `work` on a new descriptor, which is closed when that fails, or when it is not needed after. */
function finishing<T>(fd: number, work: () => T, close = false): T {
  let done = false;
  try {
    const result = work();
    done = !close;
    return result;
  } finally {
    if (!done) closeSync(fd);
  }
}

function isOwn(stat: BigIntStats): boolean {
  return Number(stat.uid) === process.geteuid?.();
}

/** Only root can give files away. Another user's worker makes files of its own, and what it makes is for itself. */
function mayGive(stat: BigIntStats, uid: number, gid: number): boolean {
  return process.geteuid?.() === 0 && (Number(stat.uid) !== uid || Number(stat.gid) !== gid);
}

function giveTo(fd: number, owner: Owner): BigIntStats {
  const stat = fstatSync(fd, { bigint: true });
  const given = mayGive(stat, owner.uid, owner.gid);
  if (given) {
    try {
      fchownSync(fd, owner.uid, owner.gid);
    } catch (error) {
      // File systems that know no owners, or that do not trust root, keep their own idea of whose it is.
      if (errorCode(error) !== 'EPERM') throw error;
    }
  }
  const now = given ? fstatSync(fd, { bigint: true }) : stat;
  if ((Number(now.mode) & PERMISSIONS) === (owner.mode & PERMISSIONS)) return now;
  fchmodSync(fd, owner.mode & PERMISSIONS);
  return fstatSync(fd, { bigint: true });
}
