import { ServerError } from './errors.js';
import type { State } from './state.js';

/**
 * Which host a queue belongs to. What was received of a queue is remembered under its UUID: another host that used it could
 * have lines taken for received that never came. So the first token that comes with a queue is the one of its host.
 */
export class SourceOwners {
  readonly #state: Pick<State, 'owner' | 'commit'>;
  /** Those that are being written, or could not be. */
  readonly #claimed = new Map<string, string>();
  readonly #running = new Set<Promise<void>>();

  constructor(state: Pick<State, 'owner' | 'commit'>) {
    this.#state = state;
  }

  /**
   * Throws {@link ServerError} `host` when the queue belongs to another name that `isKnown` knows. A name that has no token
   * any more gives its queues to whoever comes with them: the host has got a new name.
   */
  claim(source: string, name: string, isKnown: (name: string) => boolean): void {
    const owner = this.#claimed.get(source) ?? this.#state.owner(source);
    if (owner === name) return;
    if (owner !== undefined && isKnown(owner)) {
      throw new ServerError(
        'host',
        `the queue ${source} belongs to the host "${owner}", and the token is for "${name}": if the host got a new name, take the old one out of the tokens_file; if its queue was copied, delete queue.dir of the copy`,
      );
    }
    this.#claimed.set(source, name);
    this.#write(source, name);
  }

  /** Resolves when nothing is being written. */
  async settled(): Promise<void> {
    await Promise.all(this.#running);
  }

  #write(source: string, name: string): void {
    const written = this.#state.commit({ owners: [[source, name]] }).then(
      () => {
        this.#claimed.delete(source);
      },
      () => {
        // It stays claimed as long as this server runs; what keeps the disk from taking it is said elsewhere.
      },
    );
    this.#running.add(written);
    void written.then(() => this.#running.delete(written));
  }
}
