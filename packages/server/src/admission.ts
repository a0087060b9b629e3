import type { Batch, HelloMessage } from '@k2hft/wire';
import { ServerError } from './errors.js';
import type { TokenHolder, TokenTable } from './tokens.js';

/**
 * Whose records a connection may bring.
 *
 * @throws ServerError `token` or `host`, with sentences for both sides that hold nothing of a token
 */
export function admit({ host, token }: HelloMessage, tokens: TokenTable): TokenHolder {
  if (token === undefined) {
    throw new ServerError(
      'token',
      'no token was shown, and this server asks for one (tokens_file): set servers.token_file of the source',
    );
  }
  const holder = tokens.find(token);
  if (holder === undefined) {
    throw new ServerError(
      'token',
      "the token is not, or no longer, in this server's tokens_file: give the source one that is (servers.token_file)",
    );
  }
  if (holder.name !== host) {
    throw new ServerError(
      'host',
      `the token is for another host than "${host}": set host of the source to the name beside its token, or give it a token of its own`,
    );
  }
  return holder;
}

/** Throws {@link ServerError} `host` for a batch that whoever has this token may not bring. */
export function checkOrigin({ host, route }: Batch, { name, isRelay }: TokenHolder): void {
  if (isRelay) return;
  if (host !== name) {
    throw new ServerError(
      'host',
      `records of the host "${host}" came with a token that is for "${name}" alone: write "relay" behind it in the tokens_file if the source passes on what others have written`,
    );
  }
  if (route !== undefined) {
    throw new ServerError(
      'host',
      'records that came through a relay came with a token that is none of a relay: write "relay" behind it in the tokens_file if the source is one',
    );
  }
}
