/**
 * Why a plugin could not be started; it is tried again.
 *
 * - `no_pipe`: no pipe could be made for its standard input.
 * - `no_output`: the file that its standard output goes to cannot be opened.
 * - `no_program`: the program cannot be executed.
 */
export type PluginErrorCode = 'no_pipe' | 'no_output' | 'no_program';

export class PluginError extends Error {
  override readonly name = 'PluginError';

  constructor(
    readonly code: PluginErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The system's name of an error, such as `EPIPE`; undefined when it has none. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** What an error says, for a log line. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
