import { constants, gzipSync } from 'node:zlib';
import { compressMessage, encodeMessage, PROTOCOL_VERSION } from '@k2hft/wire';
import { makeBatch } from './source-client.js';

/** Random numbers that a seed repeats (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0 up to, not including, `limit`. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  }

  pick<T>(items: readonly [T, ...T[]]): T {
    return items[this.below(items.length)] ?? items[0];
  }

  bytes(count: number): Buffer {
    return Buffer.from(Array.from({ length: count }, () => this.below(256)));
  }

  uuid(): string {
    const hex = this.bytes(16).toString('hex');
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
  }
}

export function helloOf(random: Random, host: string, token: string | undefined): Buffer {
  const compressions = ['gzip'];
  const source = random.uuid();
  const common = {
    protocol: PROTOCOL_VERSION,
    source,
    epoch: 1,
    host,
    software: '\x1b[2Jfuzz\n',
    compressions,
  };
  return encodeMessage({ type: 'hello', ...common, token });
}

/** Control messages that ask for more than they bring. */
export function msgpackBomb(random: Random): Buffer {
  const control = Buffer.of(0x01);
  return Buffer.concat([
    control,
    random.pick([
      () => Buffer.from('ddffffffff', 'hex'),
      () => Buffer.from('dfffffffff', 'hex'),
      () => Buffer.from('c6ffffffff', 'hex'),
      () => Buffer.alloc(30_000, 0x91),
      () => Buffer.alloc(30_000, 0x81),
      () => Buffer.concat([Buffer.from('dc7530', 'hex'), Buffer.alloc(30_000, 0xc0)]),
      () => Buffer.from('81a474797065c70a01', 'hex'),
      () => Buffer.from('81a95f5f70726f746f5f5f80', 'hex'),
      () => random.bytes(random.below(3000)),
    ])(),
  ]);
}

/** A batch, or several, in which something is wrong. */
export function badBatches(random: Random, host: string): Buffer {
  const good = makeBatch({
    host: random.pick([host, host, 'somebody-else']),
    path: random.pick([
      'a.log',
      '../../etc/passwd',
      '/etc/passwd',
      '\x1b]0;x\x07\n',
      'd/'.repeat(300),
      'x'.repeat(5000),
    ]),
    sequence: random.pick([1, 2, 2 ** 52, 1 + random.below(1000)]),
    stream: random.below(1000),
    epoch: random.pick([1, 2, 2 ** 32 - 1]),
    flags: random.below(64),
    payload: random.bytes(random.below(2000)),
  });
  const bytes = Buffer.concat(
    random.pick([() => [good], () => [good, good.subarray(0, 70)], () => [good, good]])(),
  );
  for (let flips = random.below(4); flips > 0; flips--)
    bytes.writeUInt8(random.below(256), random.below(bytes.length));
  if (random.below(4) === 0)
    bytes.writeUInt32LE(random.pick([0xffffffff, 0x7fffffff, 65_536]), random.pick([4, 8]));
  return bytes;
}

let bomb: Buffer | undefined;

/** Small messages that unpack to a lot, or not at all. */
export async function compressedBomb(random: Random, host: string): Promise<Buffer> {
  bomb ??= await compressMessage('gzip', makeBatch({ host, payload: Buffer.alloc(15_000_000, 10) }));
  const bytes = Buffer.from(bomb);
  const kind = random.below(4);
  if (kind === 0) return bytes;
  if (kind === 1) bytes.writeUInt8(random.below(256), random.below(Math.min(20, bytes.length)));
  if (kind === 2) return bytes.subarray(0, random.below(bytes.length));
  // More comes out of it than it says.
  const zeros = gzipSync(Buffer.alloc(40_000_000), { level: constants.Z_BEST_SPEED });
  return kind === 3 ? Buffer.concat([bytes.subarray(0, 8), zeros]) : bytes;
}

/** WebSocket frames, masked or not, whose lengths and bits are as they come. */
export function badFrame(random: Random): Buffer {
  const first = random.below(256);
  const mask = random.pick([0x80, 0x80, 0]);
  const length = random.pick([
    '7f00000000ffffffff',
    '7fffffffffffffffff',
    '7e0005',
    '00',
    '7d',
    '7f0000000000000001',
  ]);
  const header = Buffer.from(length, 'hex');
  header.writeUInt8(header.readUInt8(0) | mask, 0);
  return Buffer.concat([Buffer.of(first), header, random.bytes(4 + random.below(300))]);
}
