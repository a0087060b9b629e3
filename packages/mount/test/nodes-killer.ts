import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

/** What changes something that outlives the process. */
const CHANGING = [
  'openSync',
  'writeSync',
  'renameSync',
  'linkSync',
  'unlinkSync',
  'rmSync',
  'rmdirSync',
  'mkdirSync',
  'symlinkSync',
  'chownSync',
  'fchownSync',
  'chmodSync',
  'fchmodSync',
  'ftruncateSync',
  'utimesSync',
] as const;
const OTHERS = ['lstatSync', 'fstatSync', 'readdirSync', 'readlinkSync', 'readSync'] as const;

class Killed extends Error {}

/**
 * Runs `work` as a process that is killed right before its system call number `callsLeft` that changes something: from
 * there on, no call does anything, whatever the code under test makes of the errors that it gets. Closing still works, as the
 * death of a process closes, too.
 */
export function runAndKill(callsLeft: number, work: () => void): void {
  const before = Object.fromEntries([...CHANGING, ...OTHERS].map((name) => [name, fs[name]]));
  let left = callsLeft;
  const replace = (name: (typeof CHANGING)[number] | (typeof OTHERS)[number], counts: boolean) => {
    const original = fs[name] as (...args: unknown[]) => unknown;
    const patched = (...args: unknown[]) => {
      if (left > 0 && counts) left--;
      if (left === 0) throw new Killed(`killed before ${name}`);
      return original(...args);
    };
    Object.assign(fs, { [name]: patched });
  };
  for (const name of CHANGING) replace(name, true);
  for (const name of OTHERS) replace(name, false);
  syncBuiltinESMExports();
  try {
    work();
  } catch (error) {
    if (left > 0) throw error;
  } finally {
    Object.assign(fs, before);
    syncBuiltinESMExports();
  }
}
