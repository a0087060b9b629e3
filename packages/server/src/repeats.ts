import { PositionSet, type Position } from './positions.js';
import type { Receiver } from './receiver.js';

/**
 * Batches that came again: they are not written, but whoever sent them waits for an acknowledgement, which is due
 * as soon as the first copy is safe.
 */
export class Repeats {
  /** Safe already; acknowledged with the next flush. */
  readonly #safe = new Map<Receiver, PositionSet>();
  /** On their way. */
  #underWay: { receiver: Receiver; position: Position }[] = [];

  add(receiver: Receiver, { epoch, sequence }: Position): void {
    const position = { epoch, sequence };
    if (receiver.source.committed.has(position)) this.#noteSafe(receiver, position);
    else this.#underWay.push({ receiver, position });
  }

  /** A group was committed: looks again at what was on its way. */
  committed(): void {
    const underWay = this.#underWay;
    this.#underWay = [];
    for (const { receiver, position } of underWay) this.add(receiver, position);
  }

  acknowledge(): void {
    for (const [receiver, positions] of this.#safe) receiver.acknowledge(positions);
    this.#safe.clear();
  }

  #noteSafe(receiver: Receiver, position: Position): void {
    const positions = this.#safe.get(receiver) ?? new PositionSet();
    positions.add(position);
    this.#safe.set(receiver, positions);
  }
}
