/**
 * - `listen`: the address cannot be listened on.
 */
export type AdminErrorCode = 'listen';

export class AdminError extends Error {
  override readonly name = 'AdminError';

  constructor(
    readonly code: AdminErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
