import { BatchFlag, type Batch } from '@k2hft/wire';

/** The streams of one connection that have begun and not ended. */
export class LiveStreams {
  readonly #streams = new Set<number | string>();

  /** How many there are once this batch is taken. */
  note({ stream, route, flags }: Batch): number {
    const key = route === undefined ? stream : `${route.origin}/${stream}`;
    if ((flags & BatchFlag.STREAM_END) === 0) this.#streams.add(key);
    else this.#streams.delete(key);
    return this.#streams.size;
  }
}
