export type * from './mount-settings.js';
export type * from './server-settings.js';
export { describeSettings } from './describe.js';
export { ExitStatus } from './exit-status.js';
export {
  loadMountConfiguration,
  loadMountSettings,
  loadServerConfiguration,
  loadServerSettings,
  mountConfigurationGives,
  type Loaded,
  type LoadInput,
  type MountLoadInput,
} from './load.js';
export { createLog, type Log, type LogLevel } from './log.js';
export { LOG_LEVEL_NAMES, logLevelOf } from './log-level-names.js';
export { appendTo, openLogFile, type LogWriter } from './log-output.js';
export { formatNote, type Note } from './notes.js';
export { printable, printableName } from './printable.js';
export { debugPresets, type DebugPresets } from './debug-presets.js';
export { ConfigError, formatProblem, type ConfigErrorCode, type Problem } from './problems.js';
export { notifyServiceManager, tellServiceManager } from './service-manager.js';
export { shownUrl, withShownUrls } from './shown-url.js';
export { nearestName } from './suggest.js';
export { textOrFile } from './text-or-file.js';
export { parseDuration } from './units.js';
