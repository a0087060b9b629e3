import { checkNativeMount, fuseUnmount, mayAllowOther, MountError, NATIVE_FLAGS } from '@k2hft/fuse';
import type { Mounting } from './child-arguments.js';
import { isMounted } from './mount-point.js';
import type { MountDriver, MountDriverOptions } from './mount-driver.js';

/** A worker that has not told of itself for this long hangs. It does every second. */
const HANG_MS = 10_000;

/** Said at every start: who chose the driver for its one advantage should not find out later. */
const LIMITS =
  'the driver fuse-native does not know pid, uid, gid and open flags of callers, nor names that are no UTF-8; when its ' +
  'worker dies, open files get errors (README, "Without root")';

/**
 * The driver `fuse-native`: each worker makes a mount of its own through libfuse, and the mount ends with it. It has a
 * clock, so it needs no ticks, and tells of itself every second.
 */
export class NativeDriver implements MountDriver {
  readonly fuseFd = undefined;
  private watchdog: NodeJS.Timeout | undefined;
  private allowOther = false;
  private flags: readonly string[] = [];

  constructor(private readonly options: MountDriverOptions) {}

  get mounting(): Mounting {
    const { allowOther, flags } = this;
    return { driver: 'fuse-native', source: this.options.source, flags, allowOther };
  }

  async mount(): Promise<void> {
    const { mountPoint, log, flags } = this.options;
    await checkNativeMount(mountPoint);
    this.allowOther = this.decideAllowOther();
    this.flags = flags.filter((flag) => NATIVE_FLAGS.has(flag));
    const unknown = flags.filter((flag) => !NATIVE_FLAGS.has(flag));
    if (unknown.length > 0)
      log('info', `mount options without effect with fuse-native: ${unknown.join(', ')}`);
    log('warn', LIMITS);
  }

  start(): void {
    this.watch();
  }

  stop(): void {
    clearTimeout(this.watchdog);
    this.watchdog = undefined;
  }

  workerStarted(): void {
    if (this.watchdog !== undefined) this.watch();
  }

  heard(): void {
    if (this.watchdog === undefined) return;
    this.watch();
    this.options.answered();
  }

  /** The worker looks for itself every few milliseconds while something waits. */
  progress(): void {
    return;
  }

  /** A worker that was just starting has mounted after the mount of the one before was taken away. */
  async workersEnded(): Promise<void> {
    const { mountPoint } = this.options;
    if (!(await isMounted(mountPoint))) return;
    await fuseUnmount(mountPoint, { lazy: true }).catch((error: unknown) => {
      this.options.log('error', `cannot detach ${mountPoint}: ${String(error)}`);
    });
  }

  private watch(): void {
    clearTimeout(this.watchdog);
    this.watchdog = setTimeout(() => {
      this.options.hangs();
      this.watch();
    }, HANG_MS);
  }

  private decideAllowOther(): boolean {
    const { settings, mustAllowOther, log } = this.options;
    if (!settings.mount.allowOther) return false;
    if (mayAllowOther()) return true;
    if (mustAllowOther) {
      throw new MountError(
        'needs_root',
        'allow_other: only root may let other users in, unless /etc/fuse.conf has a line user_allow_other: add it, or leave allow_other out',
      );
    }
    log('warn', 'only programs of this user can use the mount: /etc/fuse.conf has no line user_allow_other');
    return false;
  }
}
