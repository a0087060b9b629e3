import { fuseUnmount, mountFuse, negotiate, type Negotiated } from '@k2hft/fuse';
import { CONTROL_WAITING, type Mounting } from './child-arguments.js';
import type { MountDriver, MountDriverOptions } from './mount-driver.js';
import { Ticker } from './ticker.js';

/** The driver `kernel`: the supervisor holds /dev/fuse, so that the mount outlives workers, and ticks through the mount. */
export class KernelDriver implements MountDriver {
  fuseFd: number | undefined;
  private negotiated: Negotiated | undefined;
  private readonly ticker: Ticker;

  constructor(private readonly options: MountDriverOptions) {
    const { mountPoint, answered, hangs } = options;
    this.ticker = new Ticker({ mountPoint, answered, hangs });
  }

  get mounting(): Mounting {
    if (this.negotiated === undefined) throw new Error('nothing is mounted yet');
    return { driver: 'kernel', negotiated: this.negotiated };
  }

  async mount(): Promise<void> {
    const { mountPoint, source, flags, settings } = this.options;
    const { fd } = await mountFuse(mountPoint, {
      subtype: 'k2hft',
      ...(source === undefined ? {} : { source }),
      extraOptions: flags,
      allowOther: settings.mount.allowOther,
    });
    this.fuseFd = fd;
    try {
      this.negotiated = negotiate(fd);
    } catch (error) {
      await fuseUnmount(mountPoint, { lazy: true });
      throw error;
    }
  }

  start(): void {
    this.ticker.start();
  }

  stop(): void {
    this.ticker.stop();
  }

  workerStarted(): void {
    // What waited in the one before comes to this one again, and it will say so.
    this.ticker.setWaiting(false);
  }

  heard(bytes: Buffer): void {
    this.ticker.setWaiting(bytes.toString().endsWith(CONTROL_WAITING));
  }

  progress(): void {
    if (this.ticker.isWaiting) this.ticker.tick();
  }

  workersEnded(): Promise<void> {
    return Promise.resolve();
  }
}
