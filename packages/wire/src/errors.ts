/**
 * What is wrong with bytes that came from elsewhere.
 *
 * - `truncated`: the bytes end before what they announce.
 * - `malformed`: they are no batch and no message of this protocol.
 * - `limit`: they announce more than the limits allow.
 * - `checksum`: a batch whose bytes are not the ones that were written.
 * - `protocol`: a peer of another protocol version; the message says who has to be upgraded.
 */
export type WireErrorCode = 'truncated' | 'malformed' | 'limit' | 'checksum' | 'protocol';

/** The only error that decoding throws, whatever the bytes are. */
export class WireError extends Error {
  override readonly name = 'WireError';

  constructor(
    readonly code: WireErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
