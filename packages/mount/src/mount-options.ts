import { LOG_LEVEL_NAMES, logLevelOf, nearestName, textOrFile, type LogSettings } from '@k2hft/config';
import type { ListedOption } from './option-list.js';

/** An option that cannot be obeyed: wrong usage. The message says what to do. */
export class MountOptionError extends Error {
  override readonly name = 'MountOptionError';
}

/** What `-o` lists ask for. What is undefined is left to the configuration. */
export interface MountOptions {
  /** A configuration file, or a configuration as text. */
  configuration: { file: string } | { json: string } | undefined;
  allowOther: boolean | undefined;
  umask: number | undefined;
  /** A number, or a name that the system has to look up. */
  uid: string | undefined;
  gid: string | undefined;
  level: LogSettings['level'] | undefined;
  logFile: string | undefined;
  pidFile: string | undefined;
  /** What the list of mounts shows as the source. */
  source: string | undefined;
  /** Flags that the kernel obeys, for mount(8). */
  flags: string[];
  /** Options that are understood and have no effect here. */
  ignored: string[];
}

export const NO_MOUNT_OPTIONS: Readonly<MountOptions> = {
  configuration: undefined,
  allowOther: undefined,
  umask: undefined,
  uid: undefined,
  gid: undefined,
  level: undefined,
  logFile: undefined,
  pidFile: undefined,
  source: undefined,
  flags: [],
  ignored: [],
};

type Effect = (options: MountOptions, value: string, name: string) => void;

/** Options that need a value. */
const WITH_VALUE: ReadonlyMap<string, Effect> = new Map<string, Effect>([
  ['conf', setConfiguration],
  ['json', setConfiguration],
  ['umask', (options, value) => (options.umask = octal(value))],
  ['uid', (options, value) => (options.uid = value)],
  ['gid', (options, value) => (options.gid = value)],
  ['dbglevel', (options, value) => (options.level = level(value))],
  ['log_file', (options, value) => (options.logFile = value)],
  ['pid_file', (options, value) => (options.pidFile = value)],
  ['fsname', (options, value) => (options.source = value)],
]);

const WITHOUT_VALUE: ReadonlyMap<string, Effect> = new Map<string, Effect>([
  ['allow_other', (options) => (options.allowOther = true)],
  ['noallow_other', (options) => (options.allowOther = false)],
  ['debug', (options) => (options.level = 'debug')],
  [
    'remount',
    () => {
      throw new MountOptionError(
        'a mount of k2hft cannot be changed while it is there (remount): umount it and mount it again',
      );
    },
  ],
]);

/** What the kernel obeys for any file system; the last of a pair wins in mount(8), so they are kept in order. */
const KERNEL_FLAGS: ReadonlySet<string> = new Set(
  (
    'ro rw suid nosuid dev nodev exec noexec sync async dirsync atime noatime diratime nodiratime ' +
    'relatime norelatime strictatime nostrictatime lazytime nolazytime'
  ).split(' '),
);

/** Options for mount(8), systemd and their like, which have obeyed them already: nothing is said about them. */
const FOR_OTHERS: ReadonlySet<string> = new Set(
  (
    'defaults auto noauto user nouser users owner group nofail _netdev silent loud mand nomand iversion ' +
    'noiversion comment uhelper helper'
  ).split(' '),
);

/**
 * What K2HFTFUSE took, or handed to libfuse, and what has no counterpart here: there is no chmpx to run, permissions are
 * checked in any case, and the rest tunes libfuse.
 */
const WITHOUT_EFFECT: ReadonlySet<string> = new Set(
  (
    'enable_run_chmpx disable_run_chmpx chmpxlog default_permissions subtype nonempty auto_unmount blkdev blksize ' +
    'max_read max_write max_readahead max_background congestion_threshold kernel_cache auto_cache noauto_cache ' +
    'direct_io hard_remove use_ino readdir_ino entry_timeout negative_timeout attr_timeout ac_attr_timeout noforget ' +
    'remember intr intr_signal modules async_read sync_read atomic_o_trunc big_writes no_remote_lock ' +
    'no_remote_flock no_remote_posix_lock splice_write no_splice_write splice_move no_splice_move splice_read ' +
    'no_splice_read clone_fd max_idle_threads'
  ).split(' '),
);

const KNOWN: readonly string[] = [
  ...WITH_VALUE.keys(),
  ...WITHOUT_VALUE.keys(),
  ...KERNEL_FLAGS,
  ...FOR_OTHERS,
  ...WITHOUT_EFFECT,
];

export interface ReadOptions {
  /** Unknown options are passed over, as mount -s asks for. */
  readonly sloppy?: boolean;
}

/** Reads options in order; of options that contradict each other the later one wins. Throws MountOptionError. */
export function readMountOptions(
  list: readonly ListedOption[],
  { sloppy = false }: ReadOptions = {},
): MountOptions {
  const options: MountOptions = { ...NO_MOUNT_OPTIONS, flags: [], ignored: [] };
  for (const { name, value } of list) {
    const known = name.toLowerCase();
    const withValue = WITH_VALUE.get(known);
    const withoutValue = WITHOUT_VALUE.get(known);
    if (withValue !== undefined) {
      if (value === undefined || value === '')
        throw new MountOptionError(`the option ${known} needs a value: -o ${known}=…`);
      withValue(options, value, known);
    } else if (withoutValue !== undefined) withoutValue(options, '', known);
    else if (KERNEL_FLAGS.has(known)) options.flags.push(known);
    else if (WITHOUT_EFFECT.has(known)) options.ignored.push(known);
    else if (!FOR_OTHERS.has(known) && !known.startsWith('x-')) {
      if (!sloppy) throw unknownOption(name);
      options.ignored.push(name);
    }
  }
  return options;
}

function unknownOption(name: string): MountOptionError {
  const nearest = nearestName(name, KNOWN);
  const suggestion = nearest === undefined ? '' : `; is ${nearest} meant?`;
  return new MountOptionError(
    `unknown option ${JSON.stringify(name)} in -o${suggestion} (a comma that belongs to a value is written \\,)`,
  );
}

function setConfiguration(options: MountOptions, value: string): void {
  if (options.configuration !== undefined)
    throw new MountOptionError('the configuration is given twice (conf, json): give it once');
  // As in K2HFTFUSE, the content decides under either name.
  options.configuration = textOrFile(value);
}

/** K2HFTFUSE looks at the last three digits only. */
function octal(value: string): number {
  if (!/^(?:0o)?[0-7]{1,4}$/.test(value))
    throw new MountOptionError(`umask=${value}: expected octal digits such as 022`);
  return parseInt(value.replace('0o', ''), 8) & 0o777;
}

function level(value: string): LogSettings['level'] {
  const found = logLevelOf(value);
  if (found === undefined)
    throw new MountOptionError(`dbglevel=${value}: expected one of ${LOG_LEVEL_NAMES.join(' ')}`);
  return found;
}
