import { constants, fstatSync, fsyncSync, ftruncateSync, readSync, writeSync } from 'node:fs';
import {
  FuseError,
  PARKED,
  ROOT_NODE_ID,
  type AttributeChanges,
  type Attributes,
  type Entry,
  type FuseOperations,
  type FuseRequest,
  type Opened,
  type Parked,
  type WriteArguments,
} from '../src/index.js';

/** The one file of this file system. */
export const BACKED_NAME = 'log';
const FILE_NODE_ID = 2;
const TIME = { seconds: 1, nanos: 0 };

/**
 * One directory with one file, whose bytes are those of a file elsewhere. It keeps nothing in memory, and a write
 * that is done twice leaves what it left before: so it may be killed at any time, and the next process goes on.
 */
export class BackedFileSystem implements FuseOperations {
  private readonly fd: number;
  private readonly parks: boolean;

  /** With `parks` it takes writes and never answers them, like a server that dies with requests in its hands. */
  constructor(fd: number, parks: boolean) {
    this.fd = fd;
    this.parks = parks;
  }

  private attributes(nodeId: number): Attributes {
    const root = nodeId === ROOT_NODE_ID;
    const sizeBytes = root ? 0 : fstatSync(this.fd).size;
    return {
      ino: nodeId,
      sizeBytes,
      blocks: 0,
      atime: TIME,
      mtime: TIME,
      ctime: TIME,
      mode: root ? constants.S_IFDIR | 0o755 : constants.S_IFREG | 0o644,
      nlink: 1,
      uid: 0,
      gid: 0,
      rdev: 0,
      blockBytes: 4096,
    };
  }

  lookup(_request: FuseRequest, name: string): Entry {
    if (name !== BACKED_NAME) throw new FuseError('ENOENT');
    const attributes = this.attributes(FILE_NODE_ID);
    return { nodeId: FILE_NODE_ID, generation: 0, attributes, entryValidMs: 0, attributesValidMs: 0 };
  }

  getattr(request: FuseRequest): { attributes: Attributes; validMs: number } {
    return { attributes: this.attributes(request.nodeId), validMs: 0 };
  }

  setattr(request: FuseRequest, changes: AttributeChanges): { attributes: Attributes; validMs: number } {
    if (changes.sizeBytes !== undefined) ftruncateSync(this.fd, changes.sizeBytes);
    return this.getattr(request);
  }

  open(): Opened {
    return { handle: 0, directIo: true };
  }

  read(_request: FuseRequest, _handle: number, offset: number, target: Buffer): number {
    return readSync(this.fd, target, 0, target.length, offset);
  }

  write(_request: FuseRequest, { buffer, start, end, offset }: WriteArguments): number | Parked {
    if (this.parks) return PARKED;
    return writeSync(this.fd, buffer, start, end - start, offset);
  }

  fsync(): void {
    fsyncSync(this.fd);
  }
}
