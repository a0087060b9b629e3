import { closeSync, constants, fstatSync, openSync, readdirSync, type BigIntStats } from 'node:fs';
import type { ByteString } from '@k2hft/fuse';
import { copyIdentity } from './copy-ledger.js';
import { CopyError, inDirectory, placeOf, refuseMount } from './copy-place.js';
import type { CopyTarget } from './copy-target.js';
import { descriptorPath, pathBytes, statOf } from './overlay-paths.js';

export type CopyFileTarget = Exclude<CopyTarget, { kind: 'inside' }>;

/** Never a terminal of ours, and nothing that makes opening wait, such as a FIFO that nobody reads. */
const FLAGS =
  constants.O_RDWR |
  constants.O_APPEND |
  constants.O_CREAT |
  constants.O_NOFOLLOW |
  constants.O_NONBLOCK |
  constants.O_NOCTTY;
/** Requests wait meanwhile; a directory of logs has far fewer. */
const NAMES_MAX = 10_000;
const FILE_MODE = 0o666;
const DIRECTORY_MODE = 0o777;

export interface OpenedCopy {
  readonly fd: number;
  readonly stat: BigIntStats;
}

/** Finds and opens the files that copies go to. */
export class CopyOpener {
  constructor(
    /** The worker must not touch these: it serves them. */
    private readonly ownMountPoints: ReadonlySet<ByteString>,
    /** As umask(2), for what is made. */
    private readonly umask: number,
  ) {}

  /** Opens the file for appending and makes what is missing on the way. Throws what the system says, or CopyError. */
  open(target: CopyFileTarget): OpenedCopy {
    return this.at(target, DIRECTORY_MODE & ~this.umask, (path) => {
      const fd = openSync(pathBytes(path), FLAGS, FILE_MODE & ~this.umask);
      const stat = fstatSync(fd, { bigint: true });
      if (stat.isFile() || stat.isCharacterDevice()) return { fd, stat };
      closeSync(fd);
      throw new CopyError('NO_FILE', 'it is neither a file nor a character device');
    });
  }

  /** What stands at the file's place now; undefined when nothing does. */
  look(target: CopyFileTarget): BigIntStats | undefined {
    try {
      return this.at(target, undefined, statOf);
    } catch {
      return undefined;
    }
  }

  /** Looks among the names in the file's directory: that is where rotation puts it. Undefined when it is not there. */
  openMoved(target: CopyFileTarget, identity: string): OpenedCopy | undefined {
    try {
      return this.at(target, undefined, (path) => {
        const directory = path.slice(0, path.lastIndexOf('/') + 1);
        const names = readdirSync(pathBytes(directory), 'latin1').slice(0, NAMES_MAX);
        const moved = names.find((name) => {
          const stat = statOf(directory + name);
          return stat?.isFile() === true && copyIdentity(stat) === identity;
        });
        if (moved === undefined) return undefined;
        const fd = openSync(pathBytes(directory + moved), FLAGS & ~constants.O_CREAT);
        return { fd, stat: fstatSync(fd, { bigint: true }) };
      });
    } catch {
      return undefined;
    }
  }

  private at<T>(
    target: CopyFileTarget,
    directoryMode: number | undefined,
    action: (path: ByteString) => T,
  ): T {
    if (target.kind === 'file') {
      const place = placeOf(target.file, this.ownMountPoints, directoryMode);
      return action(place);
    }
    const { directory, names } = target;
    const name = names.at(-1) ?? '';
    const base = this.base(directory, directoryMode);
    refuseMount(base, names, this.ownMountPoints);
    return inDirectory(base, names.slice(0, -1), directoryMode, (parent) => action(`${parent}/${name}`));
  }

  private base(directory: ByteString, mode: number | undefined): ByteString {
    // A directory that is held open has no place to be walked to.
    if (directory.startsWith(descriptorPath(0).slice(0, -1))) return `${directory}/.`;
    return placeOf(`${directory}/.`, this.ownMountPoints, mode);
  }
}
