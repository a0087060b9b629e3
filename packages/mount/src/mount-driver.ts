import type { Log, MountSettings } from '@k2hft/config';
import type { Mounting } from './child-arguments.js';
import { KernelDriver } from './driver-kernel.js';
import { NativeDriver } from './driver-native.js';

/** What is to be mounted. */
export interface WantedMount {
  settings: MountSettings;
  mountPoint: string;
  /** What the list of mounts shows as the source; the program's name when undefined. */
  source: string | undefined;
  /** Further options for mount(8). */
  flags: readonly string[];
  /** Somebody asked for other users to be let in, it is not only the default: an error where they cannot be. */
  mustAllowOther: boolean;
  log: Log;
}

export interface MountDriverOptions extends WantedMount {
  /** The worker answered. */
  answered: () => void;
  /** The worker has not answered for too long; told again and again until it does. */
  hangs: () => void;
}

/** The supervisor's part of a driver: how the mount is made, and how to know that its worker serves it. */
export interface MountDriver {
  /** The worker's descriptor of /dev/fuse; undefined when it opens its own. */
  readonly fuseFd: number | undefined;
  /** What workers are told of the mount. To be read after mount(). */
  readonly mounting: Mounting;
  /**
   * Makes the mount, or makes sure that the worker will be able to. Nothing is mounted on the point when it is called, nor
   * when it throws.
   */
  mount(): Promise<void>;
  /** Begins to watch the worker, which has been started. */
  start(): void;
  stop(): void;
  /** Another worker was started. */
  workerStarted(): void;
  /** Bytes of the worker's control socket. */
  heard(bytes: Buffer): void;
  /** What a request in the worker waits for may be there. */
  progress(): void;
  /** The mount was taken away and no worker is left, nor will be started. */
  workersEnded(): Promise<void>;
}

export function makeDriver(options: MountDriverOptions): MountDriver {
  return options.settings.mount.driver === 'kernel' ? new KernelDriver(options) : new NativeDriver(options);
}
