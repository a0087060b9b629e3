/**
 * - `settings`: the settings ask for what cannot be done.
 * - `token`: the token file does not hold a token.
 */
export type ForwarderErrorCode = 'settings' | 'token';

export class ForwarderError extends Error {
  override readonly name = 'ForwarderError';

  constructor(
    readonly code: ForwarderErrorCode,
    message: string,
  ) {
    super(message);
  }
}

/** One line for any error. Connecting to a name with several addresses fails with an AggregateError without text. */
export function describeError(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') {
    return error.errors.map((one: unknown) => describeError(one)).join(', ');
  }
  return error instanceof Error ? error.message : String(error);
}
