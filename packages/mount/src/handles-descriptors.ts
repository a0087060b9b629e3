import { closeSync } from 'node:fs';

interface Descriptor {
  readonly fd: number;
  lastUse: number;
}

/** Closing a quarter at once spreads the search for the least recently used over many openings. */
const CLOSED_AT_ONCE_DIVISOR = 4;

export function errorCode(error: unknown): string | undefined {
  return error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
}

/**
 * Open file descriptors by a key, bounded in number. What the kernel holds open has no bound that we may rely on, so
 * the least recently used ones are closed, and whoever needs one again opens it again.
 *
 * A descriptor that was just asked for is never among those that the next few openings close: an operation may hold
 * two of them by number.
 */
export class DescriptorCache {
  private readonly descriptors = new Map<number, Descriptor>();
  private uses = 0;

  constructor(private readonly countMax: number) {}

  /** The descriptor of `key`, opened by `open` if there is none at present. */
  get(key: number, open: () => number): number {
    const present = this.descriptors.get(key);
    if (present !== undefined) {
      present.lastUse = ++this.uses;
      return present.fd;
    }
    return this.add(key, open);
  }

  /** The descriptor of `key` if it is open at present. */
  peek(key: number): number | undefined {
    return this.descriptors.get(key)?.fd;
  }

  put(key: number, fd: number): void {
    this.close(key);
    this.makeRoom();
    this.descriptors.set(key, { fd, lastUse: ++this.uses });
  }

  close(key: number): void {
    const present = this.descriptors.get(key);
    if (present === undefined) return;
    this.descriptors.delete(key);
    closeSync(present.fd);
  }

  closeAll(): void {
    for (const key of [...this.descriptors.keys()]) this.close(key);
  }

  private add(key: number, open: () => number): number {
    this.makeRoom();
    let fd: number;
    try {
      fd = open();
    } catch (error) {
      const code = errorCode(error);
      if ((code !== 'EMFILE' && code !== 'ENFILE') || !this.closeOldest()) throw error;
      fd = open();
    }
    // Opening may itself have opened others, so the room is looked at before, and one too many is no harm.
    this.descriptors.set(key, { fd, lastUse: ++this.uses });
    return fd;
  }

  private makeRoom(): void {
    if (this.descriptors.size >= this.countMax) this.closeOldest();
  }

  private closeOldest(): boolean {
    const count = Math.floor(this.descriptors.size / CLOSED_AT_ONCE_DIVISOR);
    const byUse = [...this.descriptors].sort(([, a], [, b]) => a.lastUse - b.lastUse);
    for (const [key] of byUse.slice(0, count)) this.close(key);
    return count > 0;
  }
}
