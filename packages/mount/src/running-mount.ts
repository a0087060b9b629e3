import { resolve } from 'node:path';
import { ExitStatus } from '@k2hft/config';
import { CommandError } from './failure.js';
import { registeredMounts, type RegisteredMount } from './mount-registry.js';

/** The mounts that run, or the one at a point. Throws CommandError when there is none. */
export function runningMounts(point: string | undefined): RegisteredMount[] {
  const wanted = point === undefined ? undefined : resolve(point);
  const mounts = registeredMounts().filter(({ mountPoint }) => wanted === undefined || mountPoint === wanted);
  if (mounts.length > 0) return mounts;
  const what =
    wanted === undefined ? 'no mount of k2hft is running' : `no mount of k2hft is running on ${wanted}`;
  throw new CommandError(ExitStatus.UNAVAILABLE, what);
}

/** The one that is meant. Throws CommandError when none runs, or when several do and none is named. */
export function runningMount(point: string | undefined): RegisteredMount {
  const [first, ...others] = runningMounts(point);
  if (first !== undefined && others.length === 0) return first;
  const points = [first, ...others].map((mount) => mount?.mountPoint).join(', ');
  throw new CommandError(ExitStatus.USAGE, `several mounts are running: name one of ${points}`);
}
