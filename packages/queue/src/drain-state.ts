import type { AckSetRecord } from './ack-set.js';
import { isAckSet, isObject } from './ack-set-record.js';
import { decodeLosses, encodeLosses, type Losses } from './counters.js';
import type { CursorsRecord } from './cursors.js';
import { encodeRest, readRests, stateFolder, type SavedRest } from './durable-rests.js';
import { Environment, type Change } from './environment.js';
import { ownKey, rowKey } from './keys.js';
import type { Position } from './position.js';

const CURSORS = ownKey('cursors');
const LOSSES = ownKey('losses');

/** Address space only; the state holds cursors and unfinished records. */
const MAP_BYTES = 256 * 1024 * 1024;

/** The crash-proof environment of the drain: cursors, losses, durable rests. */
export class DrainState {
  /** As they are on disk: what is read later could be an older transaction, see environment.ts. */
  private readonly saved = new Map<string, SavedRest>();

  private constructor(private readonly environment: Environment) {
    for (const rest of readRests(environment)) this.saved.set(rest.key, rest);
  }

  static open(directory: string): DrainState {
    return new DrainState(
      Environment.openWriter(stateFolder(directory), { durable: true, mapBytes: MAP_BYTES }),
    );
  }

  cursors(): CursorsRecord | undefined {
    const record = decodeCursors(this.environment.get(CURSORS));
    this.environment.release();
    return record;
  }

  losses(): Losses {
    const losses = decodeLosses(this.environment.get(LOSSES));
    this.environment.release();
    return losses;
  }

  rests(): SavedRest[] {
    return [...this.saved.values()];
  }

  /** Durable when it resolves. `rests` names what changes: bytes to save, or undefined to remove. */
  async save(
    cursors: CursorsRecord,
    losses: Losses,
    rests: ReadonlyMap<string, { bytes: Buffer; savedAt: Position } | undefined> = new Map(),
  ): Promise<void> {
    const changes: Change[] = [
      { key: CURSORS, value: Buffer.from(JSON.stringify(cursors)) },
      { key: LOSSES, value: encodeLosses(losses) },
    ];
    for (const [key, rest] of rests) {
      changes.push({ key: rowKey(key), value: rest && encodeRest(rest.bytes, rest.savedAt) });
    }
    await this.environment.write(changes);
    this.environment.release();
    for (const [key, rest] of rests) {
      if (rest === undefined) this.saved.delete(key);
      else this.saved.set(key, { key, ...rest });
    }
  }

  clearDeadReaders(): void {
    this.environment.clearDeadReaders();
  }

  close(): Promise<void> {
    return this.environment.close();
  }
}

/** For those who only look: undefined when nothing was saved yet. */
export function readCursors(state: Environment): CursorsRecord | undefined {
  const record = decodeCursors(state.get(CURSORS));
  state.release();
  return record;
}

export function readLosses(state: Environment): Losses {
  const losses = decodeLosses(state.get(LOSSES));
  state.release();
  return losses;
}

/** A record that cannot be understood counts as none: everything that is there is then sent again. */
function decodeCursors(bytes: Buffer | undefined): CursorsRecord | undefined {
  if (bytes === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(bytes.toString());
    if (!isObject(value) || !isAckSet(value['gone']) || !isObject(value['cursors'])) return undefined;
    const cursors: Record<string, AckSetRecord> = {};
    for (const [name, set] of Object.entries(value['cursors'])) {
      if (!isAckSet(set)) return undefined;
      cursors[name] = set;
    }
    return { gone: value['gone'], cursors };
  } catch {
    return undefined;
  }
}
