export type * from './mount-settings.js';
export type * from './server-settings.js';
export { describeSettings } from './describe.js';
export { ExitStatus } from './exit-status.js';
export { loadMountSettings, loadServerSettings, type LoadInput, type MountLoadInput } from './load.js';
export { createLog, type Log, type LogLevel } from './log.js';
export { printable, printableName } from './printable.js';
export { ConfigError, formatProblem, type ConfigErrorCode, type Problem } from './problems.js';
