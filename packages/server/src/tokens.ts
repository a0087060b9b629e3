import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { TEXT_LENGTH_MAX } from '@k2hft/wire';
import { ServerError } from './errors.js';

/** Whom a token is for. */
export interface TokenHolder {
  /** The host whose records come with it. */
  readonly name: string;
  /** It may pass on the records of other hosts. */
  readonly isRelay: boolean;
  /** Stands for the token, which is not kept. */
  readonly digest: Buffer;
}

/** A token shorter than this could be guessed; it is what 12 random bytes give in base64. */
const SAFE_TOKEN_LENGTH = 16;

/**
 * Tokens are compared by digests with a key that nobody knows outside of this process: how long it takes to find one says
 * nothing about the others.
 */
const DIGEST_KEY = randomBytes(32);

function digestOf(token: string): Buffer {
  return createHmac('sha256', DIGEST_KEY).update(token).digest();
}

/** What a tokens file says. */
export class TokenTable {
  readonly #holders: ReadonlyMap<string, TokenHolder>;
  readonly #names: ReadonlySet<string>;
  /** Lines whose token could be guessed. */
  readonly shortLines: readonly number[];

  private constructor(holders: ReadonlyMap<string, TokenHolder>, shortLines: readonly number[]) {
    this.#holders = holders;
    this.#names = new Set([...holders.values()].map(({ name }) => name));
    this.shortLines = shortLines;
  }

  /**
   * Reads lines `name token [relay]`; empty ones and those that start with `#` say nothing. A name may have several
   * tokens. Throws {@link ServerError} `tokens` that names the line, and nothing of what is in it.
   */
  static parse(text: string): TokenTable {
    const holders = new Map<string, TokenHolder>();
    const shortLines: number[] = [];
    text.split('\n').forEach((line, index) => {
      const words = line.trim().split(/\s+/);
      if (words[0] === '' || words[0]?.startsWith('#') === true) return;
      const [name, token, mark, ...rest] = words;
      const fail = (why: string): never => {
        throw new ServerError('tokens', `line ${index + 1}: ${why}`);
      };
      if (name === undefined || token === undefined || rest.length > 0)
        return fail('expected "name token", or "name token relay"');
      if (mark !== undefined && mark !== 'relay')
        return fail('the third word can only be "relay"; a comment starts its line with #');
      if (token.length > TEXT_LENGTH_MAX) return fail(`a token has at most ${TEXT_LENGTH_MAX} characters`);
      const digest = digestOf(token);
      const key = digest.toString('latin1');
      if (holders.has(key))
        return fail('this token is in another line already: each has to be one of its own');
      if (token.length < SAFE_TOKEN_LENGTH) shortLines.push(index + 1);
      holders.set(key, { name, isRelay: mark === 'relay', digest });
      return undefined;
    });
    return new TokenTable(holders, shortLines);
  }

  get size(): number {
    return this.#holders.size;
  }

  /** Whether there is a token for that host. */
  knows(name: string): boolean {
    return this.#names.has(name);
  }

  /** Whose token it is; undefined: nobody's. */
  find(token: string): TokenHolder | undefined {
    const digest = digestOf(token);
    const holder = this.#holders.get(digest.toString('latin1'));
    return holder !== undefined && timingSafeEqual(holder.digest, digest) ? holder : undefined;
  }

  /** Whether that token is still there, with the same name and the same rights. */
  holds({ name, isRelay, digest }: TokenHolder): boolean {
    const holder = this.#holders.get(digest.toString('latin1'));
    return holder?.name === name && holder.isRelay === isRelay;
  }
}
