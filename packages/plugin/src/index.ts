export { PluginProcess, type PluginOptions, type PluginState, type PluginStatus } from './plugin-process.js';
export { PluginPool, type PluginPoolOptions } from './plugin-pool.js';
export { pluginName } from './plugin-name.js';
export { PluginError, type PluginErrorCode } from './errors.js';
export type { PluginStdout } from './output-file.js';
export type { PluginTuning } from './tuning.js';
export { endPluginsOfFault } from './running-plugin.js';
