import type { AckSetRecord } from './ack-set.js';
import { decodeLosses, encodeLosses, type Losses } from './counters.js';
import type { CursorsRecord } from './cursors.js';
import { encodeRest, readRests, stateFolder, type SavedRest } from './durable-rests.js';
import { Environment, type Change } from './environment.js';
import { ownKey, rowKey } from './keys.js';
import type { Position } from './position.js';
import type { Range } from './range-set.js';

const CURSORS = ownKey('cursors');
const LOSSES = ownKey('losses');

/** Address space only; the state holds cursors and unfinished records. */
const MAP_BYTES = 256 * 1024 * 1024;

/** The crash-proof environment of the drain: cursors, losses, durable rests. */
export class DrainState {
  private constructor(private readonly environment: Environment) {}

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
    return readRests(this.environment);
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

function isAckSet(value: unknown): value is AckSetRecord {
  if (!isObject(value) || !isObject(value['floor']) || !Array.isArray(value['above'])) return false;
  const { epoch, sequence } = value['floor'];
  const above = value['above'] as unknown[];
  return isWhole(epoch) && isWhole(sequence) && above.every(isEpochRanges);
}

function isEpochRanges(value: unknown): value is [number, Range[]] {
  if (!Array.isArray(value) || !isWhole(value[0]) || !Array.isArray(value[1])) return false;
  return (value[1] as unknown[]).every(
    (range) => Array.isArray(range) && isWhole(range[0]) && isWhole(range[1]),
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value);
}
