import { ConfigError, ExitStatus } from '@k2hft/config';
import { ServerError, type ServerErrorCode } from './errors.js';

const STATUS_OF_CODE: Readonly<Record<ServerErrorCode, number>> = {
  format: ExitStatus.CONFIGURATION,
  path_template: ExitStatus.CONFIGURATION,
  unsupported: ExitStatus.CONFIGURATION,
  state_locked: ExitStatus.UNAVAILABLE,
  state_damaged: ExitStatus.FAULT,
  state_dir: ExitStatus.UNAVAILABLE,
  output_dir: ExitStatus.UNAVAILABLE,
  relay_settings: ExitStatus.CONFIGURATION,
  relay_locked: ExitStatus.UNAVAILABLE,
  relay_queue: ExitStatus.FAULT,
  too_long: ExitStatus.FAULT,
  loop: ExitStatus.CONFIGURATION,
  tls: ExitStatus.CONFIGURATION,
  tokens: ExitStatus.CONFIGURATION,
  // What is wrong with one source does not end the server.
  token: ExitStatus.FAULT,
  host: ExitStatus.FAULT,
  streams: ExitStatus.FAULT,
  listen: ExitStatus.UNAVAILABLE,
  log_file: ExitStatus.UNAVAILABLE,
  permission: ExitStatus.NOT_PERMITTED,
  too_many_gaps: ExitStatus.FAULT,
  sync_no_room: ExitStatus.FAULT,
  sync_failed: ExitStatus.FAULT,
  commit_failed: ExitStatus.FAULT,
};

/** The exit status that says what kind of trouble `error` is. */
export function exitStatusOf(error: unknown): number {
  if (error instanceof ConfigError) return ExitStatus.CONFIGURATION;
  return error instanceof ServerError ? STATUS_OF_CODE[error.code] : ExitStatus.FAULT;
}
