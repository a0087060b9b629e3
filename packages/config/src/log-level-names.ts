import type { LogSettings } from './mount-settings.js';

/** Ours, and those that K2HFTFUSE's `dbglevel` and `-d` take. */
const LEVELS: ReadonlyMap<string, LogSettings['level']> = new Map([
  ['silent', 'silent'],
  ['err', 'error'],
  ['error', 'error'],
  ['wan', 'warn'],
  ['warn', 'warn'],
  ['warning', 'warn'],
  ['msg', 'info'],
  ['message', 'info'],
  ['inf', 'info'],
  ['info', 'info'],
  ['information', 'info'],
  ['dmp', 'debug'],
  ['dump', 'debug'],
  ['debug', 'debug'],
]);

/** Every name of a level that is understood. */
export const LOG_LEVEL_NAMES: readonly string[] = [...LEVELS.keys()];

/** The level of that name, in upper or lower case; undefined when there is none. */
export function logLevelOf(name: string): LogSettings['level'] | undefined {
  return LEVELS.get(name.toLowerCase());
}
