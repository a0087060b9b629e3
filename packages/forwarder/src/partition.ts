import { BATCH_PREFIX_BYTES, decodeAttributes, readPayloadStart, readStream, WireError } from '@k2hft/wire';

/** What decides which server a batch belongs to: the same key always gives the same one of the same servers. */
export type PartitionKey = (batch: Buffer) => string;

/** By the file's path, so that all hosts' lines of one file come together. */
export function pathKey(batch: Buffer): string {
  const end = readPayloadStart(batch);
  try {
    return decodeAttributes(batch, BATCH_PREFIX_BYTES, end).path.toString('latin1');
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    // It is damaged, and will be given up by whoever sends it; until then it only needs some place.
    return batch.toString('latin1', BATCH_PREFIX_BYTES, end);
  }
}

/** By the open file, as good as by chance: `salt` differs from source to source. */
export function streamKey(salt: string): PartitionKey {
  return (batch) => `${salt}/${readStream(batch)}`;
}

/**
 * Rendezvous hashing: each server has a weight of its own for each key, and the heaviest has it. When a server goes,
 * only its share moves; when it comes back, only that share moves back.
 *
 * @param names at least one; their order does not matter
 */
export function heaviest(names: readonly string[], key: string): string {
  const keyHash = fnv1a(key);
  let best = '';
  let bestWeight = -1;
  for (const name of names) {
    const weight = mix(keyHash ^ fnv1a(name));
    if (weight > bestWeight || (weight === bestWeight && name < best)) {
      best = name;
      bestWeight = weight;
    }
  }
  return best;
}

/** FNV-1a with 32 bits (http://www.isthe.com/chongo/tech/comp/fnv). */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return hash;
}

/** The last step of MurmurHash3 with 32 bits: every bit of the input changes half of the output's. */
function mix(value: number): number {
  let hash = value ^ (value >>> 16);
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
