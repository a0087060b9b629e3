import type { Log, ServerSettings } from '@k2hft/config';
import type { Sink } from './sink.js';

export interface SinkContext {
  readonly settings: ServerSettings;
  /** Name and version of this program. */
  readonly software: string;
  readonly log: Log;
  /** Ends whatever is waited for at the start. */
  readonly signal: AbortSignal;
}

/** The sinks that the settings ask for. Called with the state directory's lock held. */
export async function openSinks(context: SinkContext): Promise<Sink[]> {
  const { relay, output } = context.settings;
  const sinks: Sink[] = [];
  if (relay !== undefined) {
    // What only a relay needs is not loaded by the others.
    const { Relay } = await import('./relay.js');
    sinks.push(await Relay.open(relay, context));
  }
  // The last: when a relay cannot be opened, no process of a plugin must be left behind.
  if (output?.plugin !== undefined) {
    const { PluginSink } = await import('./plugin-sink.js');
    sinks.push(new PluginSink({ ...output, plugin: output.plugin }, context.log));
  }
  return sinks;
}
