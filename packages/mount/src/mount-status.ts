import { ExitStatus } from '@k2hft/config';

/** What mount(8) and umount(8) end with, see their manual pages. */
const MountStatus = {
  DONE: 0,
  /** Wrong call, or not permitted. */
  USAGE: 1,
  FAULT: 4,
  /** The mount, or its removal, failed. */
  FAILED: 32,
} as const;

/** One of our exit statuses as mount(8) has it. */
export function mountStatusOf(exitStatus: number): number {
  switch (exitStatus) {
    case ExitStatus.DONE:
      return MountStatus.DONE;
    case ExitStatus.USAGE:
    case ExitStatus.NOT_PERMITTED:
      return MountStatus.USAGE;
    case ExitStatus.FAULT:
      return MountStatus.FAULT;
    default:
      return MountStatus.FAILED;
  }
}
