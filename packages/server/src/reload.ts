import { isDeepStrictEqual } from 'node:util';
import type { OutputSettings, ServerSettings } from '@k2hft/config';

/** Settings that a running server does not change: its sockets, its locks and its state hang on them. */
const FIXED: readonly (readonly [name: string, value: (settings: ServerSettings) => unknown])[] = [
  ['listen', (settings) => settings.listen],
  // What is in the files is read again by itself.
  ['tls', (settings) => settings.tls],
  ['tokens_file', (settings) => settings.tokensFile],
  ['state_dir', (settings) => settings.stateDir],
  ['max_connections', (settings) => settings.maxConnections],
  ['relay', (settings) => settings.relay],
  ['admin.listen', (settings) => settings.admin.listen],
  ['output.dir', (settings) => settings.output?.dir],
  ['output.plugin', (settings) => settings.output?.plugin],
  ['output.plugin_stdout', (settings) => settings.output?.pluginStdout],
  // The state is opened for one or the other kind of commit.
  ['output.fsync (from or to "no")', (settings) => settings.output?.fsync === 'no'],
];

/** Names of the settings that differ and take effect only when the server starts again. */
export function changedFixedSettings(before: ServerSettings, after: ServerSettings): string[] {
  return FIXED.filter(([, value]) => !isDeepStrictEqual(value(before), value(after))).map(([name]) => name);
}

/** The output settings with an fsync that the running server can obey: its state is durable, or it is not. */
export function withRunningSync(started: ServerSettings, output: OutputSettings): OutputSettings {
  const running = started.output?.fsync ?? output.fsync;
  return (running === 'no') === (output.fsync === 'no') ? output : { ...output, fsync: running };
}
