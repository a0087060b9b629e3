import { MountOptionError } from './mount-options.js';

/** What mount(8) and umount(8) call their helpers with: `mount.k2hft SOURCE POINT [-sfnv] [-N namespace] [-o options] [-t type]`. */
export interface HelperArguments {
  /** The source and the mount point, or the mount point alone. */
  readonly positional: readonly string[];
  /** Single letters that were given, of those without a value. */
  readonly letters: ReadonlySet<string>;
  /** Of every `-o`, in order. */
  readonly optionLists: readonly string[];
}

/** Read and not needed: the type is known, and a namespace is refused. */
const LETTERS_WITH_VALUE = new Set(['N', 'o', 't']);

/** @param letters those that this helper knows without a value. Throws MountOptionError. */
export function readHelperArguments(args: readonly string[], letters: string): HelperArguments {
  const positional: string[] = [];
  const found = new Set<string>();
  const optionLists: string[] = [];
  const waiting = [...args];
  for (let arg = waiting.shift(); arg !== undefined; arg = waiting.shift()) {
    if (!arg.startsWith('-') || arg === '-') {
      positional.push(arg);
      continue;
    }
    const [first = '', ...rest] = arg.slice(1);
    if (LETTERS_WITH_VALUE.has(first)) {
      const value = rest.length > 0 ? rest.join('') : waiting.shift();
      if (value === undefined) throw new MountOptionError(`-${first} needs a value`);
      if (first === 'o') optionLists.push(value);
      if (first === 'N')
        throw new MountOptionError('-N: to mount in another namespace, call mount with nsenter --mount=FILE');
      continue;
    }
    for (const letter of [first, ...rest]) {
      if (!letters.includes(letter) || letter === '') throw new MountOptionError(`unknown flag ${arg}`);
      found.add(letter);
    }
  }
  return { positional, letters: found, optionLists };
}
