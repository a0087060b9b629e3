import { readFile, readlink, realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { parseMountinfo, topMount, type Mountinfo } from './mountinfo.js';
import { runProgram } from './run-program.js';

/** As long as an answer to stat(2) may take before its mount counts as silent. */
const PROBE_LIMIT_MS = 2000;

export interface FoundMount extends Mountinfo {
  /**
   * `answers`: something serves it. `dead`: nobody holds its /dev/fuse any more (ENOTCONN); unmount it. `silent`: no
   * answer within two seconds.
   */
  state: 'answers' | 'dead' | 'silent';
}

/**
 * The path of a mount point without symbolic links, found without touching the mount itself: its server may be dead
 * or hang.
 */
export async function canonicalPoint(point: string): Promise<string> {
  const absolute = resolve(point);
  // readlink(2) on the top directory of a mount is answered by the kernel alone: it is no symbolic link.
  const target = await readlink(absolute).catch(() => undefined);
  if (target !== undefined) return canonicalPoint(resolve(dirname(absolute), target));
  return join(await realpath(dirname(absolute)), basename(absolute));
}

/** The mount at exactly `point`, or undefined when nothing is mounted there. */
export async function findMount(point: string): Promise<FoundMount | undefined> {
  const canonical = await canonicalPoint(point);
  const mounts = parseMountinfo(await readFile('/proc/self/mountinfo', 'latin1'));
  const found = topMount(mounts, Buffer.from(canonical).toString('latin1'));
  return found && { ...found, state: await probe(canonical) };
}

/** Asks from another process: a call that never returns would keep one of our own threads, and our exit, for ever. */
async function probe(point: string): Promise<FoundMount['state']> {
  const result = await runProgram('stat', ['--', point], { limitMs: PROBE_LIMIT_MS });
  if (result.timedOut) return 'silent';
  return /not connected/.test(result.complaint) ? 'dead' : 'answers';
}
