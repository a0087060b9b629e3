import { statSync } from 'node:fs';

/** How often the files are looked at: a change of a secret is obeyed within seconds. */
const LOOK_MS = 1000;

/**
 * Tells when one of some files is another one than before, whichever way it was changed: written over, renamed into its
 * place, or behind a link that points elsewhere now. A change is told when a whole interval has passed without a further
 * one, so that a certificate and its key may be replaced one after the other.
 */
export class FileWatch {
  readonly #files: readonly string[];
  readonly #timer: NodeJS.Timeout;
  #told: string;
  #seen: string;

  constructor(files: readonly string[], changed: () => void) {
    this.#files = files;
    this.#told = this.#look();
    this.#seen = this.#told;
    this.#timer = setInterval(() => {
      const now = this.#look();
      const isSettled = now === this.#seen;
      this.#seen = now;
      if (!isSettled || now === this.#told) return;
      this.#told = now;
      changed();
    }, LOOK_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): string {
    return this.#files.map(signatureOf).join(' ');
  }
}

/** A file that cannot be looked at is different from any that can. */
function signatureOf(file: string): string {
  try {
    const { dev, ino, size, mode, uid, gid, mtimeNs, ctimeNs } = statSync(file, { bigint: true });
    return [dev, ino, size, mode, uid, gid, mtimeNs, ctimeNs].join(':');
  } catch {
    return 'none';
  }
}
