import { LOG_LEVEL_NAMES, logLevelOf } from './log-level-names.js';
import type { LogSettings } from './mount-settings.js';

/** What the environment says of the log, for both commands. */
export interface DebugPresets {
  readonly level: LogSettings['level'] | undefined;
  /** The file that takes the log in place of standard error. */
  readonly file: string | undefined;
  /** What is said about a value that means nothing. */
  readonly warning: string | undefined;
}

/** K2HFTFUSE's variables: K2HFTDBGMODE is a level, K2HFTDBGFILE a file. The command line wins over them. */
export function debugPresets(env: NodeJS.ProcessEnv): DebugPresets {
  const mode = nonempty(env['K2HFTDBGMODE']);
  const level = mode === undefined ? undefined : logLevelOf(mode);
  const isUnknown = mode !== undefined && level === undefined;
  return {
    level,
    file: nonempty(env['K2HFTDBGFILE']),
    warning: isUnknown
      ? `K2HFTDBGMODE is ${JSON.stringify(mode)}, which is no level and has no effect: expected one of ${LOG_LEVEL_NAMES.join(' ')}`
      : undefined,
  };
}

function nonempty(value: string | undefined): string | undefined {
  return value === '' ? undefined : value;
}
