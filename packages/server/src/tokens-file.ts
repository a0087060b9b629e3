import { readFileSync } from 'node:fs';
import type { Log } from '@k2hft/config';
import { messageOf, ServerError } from './errors.js';
import { warnIfReadable } from './file-secrecy.js';
import { FileWatch } from './file-watch.js';
import { TokenTable } from './tokens.js';

/** The tokens file, as it is now: it is read again when it changes. One that makes no sense is not taken. */
export class TokensFile {
  readonly #file: string;
  readonly #log: Log;
  readonly #watch: FileWatch;
  #table: TokenTable;

  /** Throws {@link ServerError} `tokens`. `changed` is called after another table was read. */
  constructor(file: string, log: Log, changed: () => void) {
    this.#file = file;
    this.#log = log;
    // Before it is read, so that no change is missed.
    this.#watch = new FileWatch([file], () => {
      this.#readAgain(changed);
    });
    this.#table = this.#read();
  }

  get table(): TokenTable {
    return this.#table;
  }

  close(): void {
    this.#watch.stop();
  }

  #readAgain(changed: () => void): void {
    try {
      this.#table = this.#read();
    } catch (error) {
      this.#log('error', `${messageOf(error)}; the tokens that were read before stay`);
      return;
    }
    this.#log('info', `tokens_file ${this.#file} was read again: ${this.#table.size} tokens`);
    changed();
  }

  #read(): TokenTable {
    let table: TokenTable;
    try {
      table = TokenTable.parse(readFileSync(this.#file, 'utf8'));
    } catch (error) {
      throw new ServerError('tokens', `tokens_file ${this.#file}: ${messageOf(error)}`, { cause: error });
    }
    warnIfReadable(this.#file, 'tokens_file', this.#log);
    if (table.shortLines.length > 0) {
      const lines = table.shortLines.slice(0, 10).join(', ');
      this.#log(
        'warn',
        `tokens_file ${this.#file}: short tokens can be guessed, see line ${lines}: use "openssl rand -hex 32"`,
      );
    }
    return table;
  }
}
