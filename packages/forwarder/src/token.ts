import { readFileSync } from 'node:fs';
import { TEXT_LENGTH_MAX } from '@k2hft/wire';
import { ForwarderError } from './errors.js';

/** Reads a token file: one word. Throws {@link ForwarderError} `token`, which says nothing of what is in it. */
export function readToken(file: string): string {
  const token = readFileSync(file, 'utf8').trim();
  const fault =
    token === ''
      ? 'it is empty'
      : /\s/.test(token)
        ? 'it holds more than one word: put the token alone into it, without the name'
        : token.length > TEXT_LENGTH_MAX
          ? `a token has at most ${TEXT_LENGTH_MAX} characters`
          : undefined;
  if (fault !== undefined) throw new ForwarderError('token', `servers.token_file ${file}: ${fault}`);
  return token;
}
