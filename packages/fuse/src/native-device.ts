import { fstatSync, readdirSync } from 'node:fs';

/** /dev/fuse has the major number 10 (miscellaneous devices) and the minor number 229. */
const FUSE_DEVICE = 10 * 256 + 229;
const DESCRIPTORS = '/proc/self/fd';

/** The descriptor of /dev/fuse that libfuse has opened in this process; undefined where the system does not tell. */
export function findFuseDescriptor(): number | undefined {
  let names: string[];
  try {
    names = readdirSync(DESCRIPTORS);
  } catch {
    return undefined;
  }
  return names.map(Number).find(isFuseDescriptor);
}

export function isFuseDescriptor(descriptor: number): boolean {
  try {
    const stat = fstatSync(descriptor);
    return stat.isCharacterDevice() && stat.rdev === FUSE_DEVICE;
  } catch {
    return false;
  }
}
