export { type Resolve } from './addresses.js';
export { ForwarderError, type ForwarderErrorCode } from './errors.js';
export type { Amount } from './flight.js';
export { Forwarder, type ForwarderOptions } from './forwarder.js';
export type { LinkState } from './link.js';
export { Poller } from './poller.js';
export type { QueueSource, QueuedBatch, SequenceRange } from './queue-source.js';
export { cursorsOf, type ForwarderServers, type Tuning } from './settings.js';
export type { Log, LogLevel, ServerStatus } from './status.js';
