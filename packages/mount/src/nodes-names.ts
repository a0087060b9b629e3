import { FuseError, type ByteString } from '@k2hft/fuse';

/** NAME_MAX of every Linux file system that matters here, and of the FUSE protocol (FUSE_NAME_MAX is 1024). */
export const NAME_BYTES_MAX = 255;

/** The node id that the FUSE protocol gives to the root of every mount. */
export const ROOT_ID = 1;

/** One name of a node: hard links have several. */
export interface Link {
  readonly parent: number;
  readonly name: ByteString;
}

/** The key of a name within the whole tree. No name holds a slash, so it is unambiguous. */
export function linkKey(parent: number, name: ByteString): string {
  return `${parent}/${name}`;
}

/** The kernel sends no such names, but what a name can do when it is joined to a path is too much to rely on that. */
export function checkName(name: ByteString): void {
  if (name.length > NAME_BYTES_MAX) throw new FuseError('ENAMETOOLONG');
  if (name === '' || name === '.' || name === '..' || name.includes('/') || name.includes('\0')) {
    throw new FuseError('EINVAL');
  }
}

export function joinPath(parent: ByteString, name: ByteString): ByteString {
  return parent === '' ? name : `${parent}/${name}`;
}
