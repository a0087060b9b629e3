import { printable } from '@k2hft/config';

/**
 * What can keep the server from serving.
 *
 * - `format`, `path_template`, `unsupported`: settings that cannot be used as they are.
 * - `state_locked`, `state_damaged`, `state_dir`: the state directory.
 * - `output_dir`: the directory that everything is written below.
 * - `relay_settings`, `relay_locked`, `relay_queue`: the relay cannot be served as it is configured, or its queue.
 * - `too_long`: a batch that does not fit into the relay's queue.
 * - `loop`: a batch came back to a relay.
 * - `tls`, `tokens`: files with secrets that cannot be used as they are.
 * - `token`, `host`, `streams`: a source that may not send, or not that, or not so many files at a time.
 * - `listen`: the address cannot be listened on.
 * - `log_file`: the log cannot be written where it is asked for.
 * - `permission`: the system does not let this user do it.
 * - `too_many_gaps`: a source leaves more gaps between its sequences than are kept.
 * - `sync_no_room`: the system found no room for bytes that it had accepted before.
 * - `sync_failed`, `commit_failed`: the disk did not keep what it was told to keep.
 */
export type ServerErrorCode =
  | 'format'
  | 'path_template'
  | 'unsupported'
  | 'state_locked'
  | 'state_damaged'
  | 'state_dir'
  | 'output_dir'
  | 'relay_settings'
  | 'relay_locked'
  | 'relay_queue'
  | 'too_long'
  | 'loop'
  | 'tls'
  | 'tokens'
  | 'token'
  | 'host'
  | 'streams'
  | 'listen'
  | 'log_file'
  | 'permission'
  | 'too_many_gaps'
  | 'sync_no_room'
  | 'sync_failed'
  | 'commit_failed';

export class ServerError extends Error {
  override readonly name = 'ServerError';

  constructor(
    readonly code: ServerErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The system's name of an error, such as `ENOENT`; undefined when it has none. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** What an error says, for a log line. A path in it, as the system's errors have one, may have come from the network. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'path' in error ? printable(error.message) : error.message;
}
