import { resolve } from 'node:path';
import {
  debugPresets,
  ExitStatus,
  formatNote,
  loadMountConfiguration,
  mountConfigurationGives,
  type DebugPresets,
  type LogLevel,
  type MountSettings,
  type Note,
} from '@k2hft/config';
import { CommandError } from './failure.js';
import { MountOptionError, readMountOptions, type MountOptions } from './mount-options.js';
import type { ListedOption } from './option-list.js';
import { resolveId } from './user-ids.js';

/** What a command line asks for. */
export interface MountRequest {
  readonly point?: string | undefined;
  readonly config?: string | undefined;
  readonly json?: string | undefined;
  readonly logFile?: string | undefined;
  readonly pidFile?: string | undefined;
  /** Of all `-o` lists, in order. */
  readonly options: readonly ListedOption[];
  /** Unknown options are passed over. */
  readonly sloppy?: boolean;
  /** What the list of mounts shows as the source, unless an option says otherwise. */
  readonly source?: string | undefined;
}

/** Everything that is decided before anything is done; plain data, so that it can be handed to a daemon. */
export interface MountPlan {
  readonly settings: MountSettings;
  readonly mountPoint: string;
  /** Somebody asked for other users to be let in; it is not only the default. */
  readonly mustAllowOther: boolean;
  readonly source: string | undefined;
  /** Options for mount(8). */
  readonly flags: readonly string[];
  /** Absolute paths. */
  readonly logFile: string | undefined;
  readonly pidFile: string | undefined;
  /** What the plan was made of, for the next time. */
  readonly reading: { readonly request: MountRequest; readonly folder: string };
  /** What has to be said once in the log. */
  readonly notes: readonly { level: LogLevel; message: string }[];
}

/** Reads options and configuration; options win. Throws CommandError, ConfigError. */
export function planMount(request: MountRequest, env: NodeJS.ProcessEnv): MountPlan {
  const options = readOptions(request);
  const presets = debugPresets(env);
  const configuration = { env, ...configurationOf(request, options) };
  const { settings: loaded, notes } = loadMountConfiguration({
    ...configuration,
    ...(request.point === undefined ? {} : { point: resolve(request.point) }),
  });
  const settings = withOptions(loaded, options, presets);
  const mountPoint = settings.mount.point;
  if (mountPoint === undefined)
    throw usage('no mount point: give it as k2hft mount POINT, or as mount.point in the configuration');
  return {
    settings,
    mountPoint,
    mustAllowOther:
      settings.mount.allowOther &&
      (options.allowOther === true || mountConfigurationGives(configuration, ['mount', 'allow_other'])),
    source: options.source ?? request.source,
    flags: options.flags,
    logFile: absolute(options.logFile ?? request.logFile ?? presets.file),
    pidFile: absolute(options.pidFile ?? request.pidFile),
    reading: { request, folder: process.cwd() },
    notes: [...notesOf(options, presets), ...notes.flatMap(asWarning)],
  };
}

/** The plan that the same command line makes of the configuration as it is now. Throws as planMount does. */
export function planAgain({ reading }: MountPlan, env: NodeJS.ProcessEnv): MountPlan {
  const here = process.cwd();
  try {
    // A daemon works in `/`; relative paths were meant from where it was started.
    process.chdir(reading.folder);
  } catch (error) {
    throw new CommandError(
      ExitStatus.CONFIGURATION,
      `the folder in which k2hft was started cannot be entered any more: ${(error as Error).message}`,
    );
  }
  try {
    return planMount(reading.request, env);
  } finally {
    process.chdir(here);
  }
}

function readOptions({ options, sloppy = false }: MountRequest): MountOptions {
  return wrongUsage(() => readMountOptions(options, { sloppy }));
}

function configurationOf(request: MountRequest, options: MountOptions): { file?: string; json?: string } {
  const { config, json } = request;
  const { configuration } = options;
  if ([config, json, configuration].filter((given) => given !== undefined).length > 1)
    throw usage('the configuration is given more than once (-c, --json, -o conf=, -o json=): give it once');
  return {
    ...(config === undefined ? {} : { file: config }),
    ...(json === undefined ? {} : { json }),
    ...configuration,
  };
}

function withOptions(loaded: MountSettings, options: MountOptions, presets: DebugPresets): MountSettings {
  const { allowOther, umask, uid, gid } = options;
  const level = options.level ?? presets.level;
  return {
    ...loaded,
    mount: {
      ...loaded.mount,
      ...(allowOther === undefined ? {} : { allowOther }),
      ...(umask === undefined ? {} : { umask }),
      ...(uid === undefined ? {} : { uid: wrongUsage(() => resolveId('uid', uid)) }),
      ...(gid === undefined ? {} : { gid: wrongUsage(() => resolveId('gid', gid)) }),
    },
    log: { ...loaded.log, ...(level === undefined ? {} : { level }) },
  };
}

function notesOf({ ignored }: MountOptions, { warning }: DebugPresets): MountPlan['notes'] {
  return [
    ...(warning === undefined ? [] : [{ level: 'warn' as const, message: warning }]),
    ...(ignored.length === 0
      ? []
      : [
          {
            level: 'info' as const,
            message: `mount options without effect: ${[...new Set(ignored)].join(', ')}`,
          },
        ]),
  ];
}

function asWarning(note: Note): MountPlan['notes'] {
  return note.level === 'warn' ? [{ level: note.level, message: formatNote(note) }] : [];
}

function absolute(path: string | undefined): string | undefined {
  return path === undefined ? undefined : resolve(path);
}

function usage(message: string): CommandError {
  return new CommandError(ExitStatus.USAGE, message);
}

function wrongUsage<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof MountOptionError) throw usage(error.message);
    throw error;
  }
}
