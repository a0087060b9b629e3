/**
 * A look-up of this name in the root is the supervisor's tick. The worker is blocked in a read of /dev/fuse and
 * has no timers: time comes to it through the mount. The name never exists.
 */
export const TICK_NAME = '.k2hft-tick';
