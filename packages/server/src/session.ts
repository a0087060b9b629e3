import {
  chooseCompression,
  decodeBatches,
  MESSAGE_BYTES_MAX,
  PROTOCOL_VERSION,
  RANGES_MAX,
  type Batch,
  type Compression,
  type HelloMessage,
} from '@k2hft/wire';
import { checkOrigin } from './admission.js';
import type { Applier } from './applier.js';
import { ServerError } from './errors.js';
import { LiveStreams } from './live-streams.js';
import type { Peer } from './peer.js';
import type { Position, PositionSet } from './positions.js';
import type { Receiver } from './receiver.js';
import type { Source } from './source.js';
import type { TokenHolder } from './tokens.js';
import type { Presence } from './web-presence.js';

export interface SessionOptions {
  readonly applier: Applier;
  readonly source: Source;
  readonly hello: HelloMessage;
  readonly peer: Pick<Peer, 'tell' | 'address'>;
  /** Whose token was shown; undefined: none is asked for. */
  readonly holder: TokenHolder | undefined;
  /** How many files the source may have open at a time. */
  readonly streamsMax: () => number;
  /** Acknowledgements were sent. */
  readonly acknowledged: () => void;
}

/** The way of the data of a welcomed source: its batches go to the applier, and acknowledgements come back. */
export class Session implements Receiver {
  readonly source: Source;
  /** What its batches may come in. */
  readonly compression: Compression | undefined;
  readonly #options: SessionOptions;
  readonly #streams = new LiveStreams();
  readonly #openedAtMs = Date.now();
  #owedCount = 0;
  #isOver = false;

  /** `source` has been joined; {@link end} leaves it. */
  constructor(options: SessionOptions) {
    this.#options = options;
    this.source = options.source;
    this.compression = chooseCompression(options.hello.compressions ?? []);
  }

  /** Who is there; of one that has ended, who was. */
  get presence(): Presence {
    const { hello, peer } = this.#options;
    return {
      id: hello.source,
      host: hello.host,
      software: hello.software,
      address: peer.address,
      connectedAtMs: this.#openedAtMs,
      unacknowledgedBatches: Math.max(0, this.#owedCount),
    };
  }

  /** Tells the source that it may send. */
  welcome(software: string): void {
    this.#options.peer.tell({
      type: 'welcome',
      protocol: PROTOCOL_VERSION,
      software,
      messageBytesMax: MESSAGE_BYTES_MAX,
      compression: this.compression,
    });
  }

  /** Tells the source whether its batches are taken; `reason`: why they are not. */
  tellStatus(reason: string | undefined): void {
    if (this.#isOver) return;
    const { peer } = this.#options;
    if (reason === undefined) peer.tell({ type: 'status', state: 'accepting', reason: '' });
    else peer.tell({ type: 'status', state: 'full', reason });
  }

  tellDraining(): void {
    if (this.#isOver) return;
    this.#options.peer.tell({ type: 'status', state: 'draining', reason: 'the server is about to end' });
  }

  /** Batches that were taken and not acknowledged yet. */
  get owedCount(): number {
    return this.#owedCount;
  }

  /** Takes the batches of one message. Throws WireError, or ServerError for one that is refused; those before it are taken. */
  take(message: Buffer): void {
    const { applier } = this.#options;
    try {
      for (const batch of decodeBatches(message)) {
        this.#check(batch);
        applier.accept(this, batch);
        this.#owedCount++;
      }
    } finally {
      applier.flush();
    }
  }

  /** Nothing below this position comes again. */
  raiseFloor(floor: Position): void {
    this.#options.applier.raiseFloor(this.source, floor);
  }

  acknowledge(positions: PositionSet): void {
    if (this.#isOver) return;
    const { peer, acknowledged } = this.#options;
    for (const [epoch, ranges] of positions.epochs()) {
      for (let start = 0; start < ranges.length; start += RANGES_MAX) {
        peer.tell({ type: 'ack', epoch, ranges: ranges.slice(start, start + RANGES_MAX) });
      }
      for (const [first, last] of ranges) this.#owedCount -= last - first + 1;
    }
    acknowledged();
  }

  /** The connection has ended: what is safe from now on is not acknowledged to it. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#options.applier.leave(this.source);
  }

  #check(batch: Batch): void {
    const { holder, streamsMax } = this.#options;
    if (holder !== undefined) checkOrigin(batch, holder);
    const streams = streamsMax();
    if (this.#streams.note(batch) <= streams) return;
    throw new ServerError(
      'streams',
      `more than ${streams} files are open at a time: raise limits.streams of this server if that is meant`,
    );
  }
}
