import { closeSync, existsSync, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { POSITION_ZERO, type Position } from './position.js';
import { readUint64LE, writeUint64LE } from './uint64.js';

/**
 * What the drain tells the worker: `state/told`. A file of 256 bytes that the drain overwrites and the worker
 * reads, each with one system call and without waiting for the other. Two slots are written in turn, so that a
 * slot that is half written, whoever was killed or when, leaves the one before it.
 *
 *    0 u32 magic        4 u32 crc32 of bytes 8 .. 128       8 u64 generation, the larger one counts
 *   16 16 bytes boot id                                    32 u32 epoch, 36 u32 epoch (of the next two)
 *   40 u64 floor: everything below needs no delivery       48 u64 checkpointed: everything up to it is in the store
 *   56 u64 bytes of the store's files                      64 u64 last answered checkpoint request
 *   72 u64 last answered drop request                      80 .. 128 zero
 *
 * It is never flushed. It counts only within one boot: after the power is lost hot is thrown away, and this too.
 */
export interface Told {
  readonly floor: Position;
  readonly checkpointed: Position;
  readonly storeBytes: number;
  readonly answeredCheckpoint: number;
  readonly answeredDrop: number;
}

export const TOLD_NOTHING: Told = {
  floor: POSITION_ZERO,
  checkpointed: POSITION_ZERO,
  storeBytes: 0,
  answeredCheckpoint: 0,
  answeredDrop: 0,
};

const SLOT_BYTES = 128;
const MAGIC = 0x4454324b;

export function toldFile(directory: string): string {
  return join(directory, 'state', 'told');
}

export function encodeTold(told: Told, bootId: string, generation: number): Buffer {
  const slot = Buffer.alloc(SLOT_BYTES);
  slot.writeUInt32LE(MAGIC, 0);
  writeUint64LE(slot, generation, 8);
  bootBytes(bootId).copy(slot, 16);
  slot.writeUInt32LE(told.floor.epoch, 32);
  slot.writeUInt32LE(told.checkpointed.epoch, 36);
  writeUint64LE(slot, told.floor.sequence, 40);
  writeUint64LE(slot, told.checkpointed.sequence, 48);
  writeUint64LE(slot, told.storeBytes, 56);
  writeUint64LE(slot, told.answeredCheckpoint, 64);
  writeUint64LE(slot, told.answeredDrop, 72);
  slot.writeUInt32LE(crc32(slot.subarray(8)), 4);
  return slot;
}

export function decodeTold(slot: Buffer, bootId: string): { told: Told; generation: number } | undefined {
  if (slot.length < SLOT_BYTES || slot.readUInt32LE(0) !== MAGIC) return undefined;
  if (slot.readUInt32LE(4) !== crc32(slot.subarray(8, SLOT_BYTES))) return undefined;
  if (!slot.subarray(16, 32).equals(bootBytes(bootId))) return undefined;
  const told = {
    floor: { epoch: slot.readUInt32LE(32), sequence: readUint64LE(slot, 40) },
    checkpointed: { epoch: slot.readUInt32LE(36), sequence: readUint64LE(slot, 48) },
    storeBytes: readUint64LE(slot, 56),
    answeredCheckpoint: readUint64LE(slot, 64),
    answeredDrop: readUint64LE(slot, 72),
  };
  return { told, generation: readUint64LE(slot, 8) };
}

/** The worker's end. */
export class ToldReader {
  private descriptor: number | undefined;
  private generation = -1;
  private latest: Told = TOLD_NOTHING;
  private readonly slots = Buffer.alloc(2 * SLOT_BYTES);

  constructor(
    private readonly directory: string,
    private readonly bootId: string,
  ) {}

  /** What was told last. */
  get told(): Told {
    return this.latest;
  }

  /** Looks for something newer; one system call. */
  refresh(): boolean {
    if (this.descriptor === undefined) {
      if (!existsSync(toldFile(this.directory))) return false;
      this.descriptor = openSync(toldFile(this.directory), 'r');
    }
    const bytesRead = readSync(this.descriptor, this.slots, 0, 2 * SLOT_BYTES, 0);
    let changed = false;
    for (const start of [0, SLOT_BYTES]) {
      if (start + SLOT_BYTES > bytesRead) break;
      // The generation is looked at first: most of the time nothing is new.
      if (readUint64LE(this.slots, start + 8) <= this.generation) continue;
      const found = decodeTold(this.slots.subarray(start, start + SLOT_BYTES), this.bootId);
      if (found === undefined) continue;
      this.latest = found.told;
      this.generation = found.generation;
      changed = true;
    }
    return changed;
  }

  close(): void {
    if (this.descriptor !== undefined) closeSync(this.descriptor);
    this.descriptor = undefined;
  }
}

/** The drain's end; it begins with what an earlier drain of this boot has told. */
export class ToldWriter {
  private readonly descriptor: number;
  private generation = 0;
  private latest: Told = TOLD_NOTHING;

  constructor(
    directory: string,
    private readonly bootId: string,
  ) {
    const file = toldFile(directory);
    const isNew = !existsSync(file);
    this.descriptor = openSync(file, isNew ? 'w+' : 'r+', 0o600);
    // Its blocks are taken now: telling must work on a full disk.
    if (isNew) writeSync(this.descriptor, Buffer.alloc(2 * SLOT_BYTES), 0, 2 * SLOT_BYTES, 0);
    const slots = Buffer.alloc(2 * SLOT_BYTES);
    readSync(this.descriptor, slots, 0, slots.length, 0);
    for (const start of [0, SLOT_BYTES]) {
      const found = decodeTold(slots.subarray(start, start + SLOT_BYTES), bootId);
      if (found === undefined || found.generation <= this.generation) continue;
      this.latest = found.told;
      this.generation = found.generation;
    }
  }

  get told(): Told {
    return this.latest;
  }

  tell(told: Told): void {
    const generation = this.generation + 1;
    writeSync(
      this.descriptor,
      encodeTold(told, this.bootId, generation),
      0,
      SLOT_BYTES,
      (generation % 2) * SLOT_BYTES,
    );
    this.generation = generation;
    this.latest = told;
  }

  close(): void {
    closeSync(this.descriptor);
  }
}

function bootBytes(bootId: string): Buffer {
  const hex = bootId.replaceAll('-', '');
  if (/^[0-9a-f]{32}$/i.test(hex)) return Buffer.from(hex, 'hex');
  // Only tests have boot ids of another form.
  return Buffer.from(bootId.padEnd(16).slice(0, 16), 'latin1');
}
