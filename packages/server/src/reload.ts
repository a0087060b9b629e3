import { isDeepStrictEqual } from 'node:util';
import type { ServerSettings } from '@k2hft/config';

/** What a running server does not change: its sockets, its locks, its state and its processes hang on it. */
const FIXED: readonly (readonly [name: string, value: (settings: ServerSettings) => unknown])[] = [
  ['listen', (settings) => settings.listen],
  // What is in the files is read again by itself.
  ['tls', (settings) => settings.tls],
  ['tokens_file', (settings) => settings.tokensFile],
  ['state_dir', (settings) => settings.stateDir],
  ['output.dir', (settings) => settings.output?.dir],
  ['output.plugin', (settings) => settings.output?.plugin],
  ['output.plugin_stdout', (settings) => settings.output?.pluginStdout],
  // The state is opened for one or the other kind of commit.
  ['output.fsync (from or to "no")', (settings) => settings.output?.fsync === 'no'],
  ['relay (whether there is one)', (settings) => settings.relay !== undefined],
  ['relay.queue', (settings) => settings.relay?.queue],
  ['admin', (settings) => settings.admin],
];

/** What cannot change while the server runs, one sentence for each setting; empty when everything can. */
export function refusedChanges(before: ServerSettings, after: ServerSettings): string[] {
  return FIXED.filter(([, value]) => !isDeepStrictEqual(value(before), value(after))).map(
    ([name]) => `${name} cannot change while the server runs: start it again, or take the change back`,
  );
}
