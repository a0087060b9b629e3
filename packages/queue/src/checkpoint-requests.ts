import type { HotDatabase } from './hot-database.js';
import { encodeRequest, HOT_ROWS, type CheckpointRequest } from './hot-rows.js';
import { comparePositions, type Position } from './position.js';

/** The worker's side of fsync(2): what was asked for, and how much of it is answered. */
export class CheckpointRequests {
  private readonly unanswered: CheckpointRequest[] = [];

  constructor(private readonly hot: HotDatabase) {}

  make(upTo: Position): number {
    const request = { ticket: this.hot.nextTicket(), upTo };
    this.hot.transact(() => {
      this.hot.putOwn(HOT_ROWS.request, encodeRequest(request));
    });
    this.unanswered.push(request);
    return request.ticket;
  }

  isAnswered(ticket: number): boolean {
    this.hot.told.refresh();
    return this.hot.told.told.answeredCheckpoint >= ticket;
  }

  /** Two requests may name one position: a rest has changed in between. So it is held back until both are answered. */
  position(): Position {
    this.hot.told.refresh();
    const { floor, checkpointed, answeredCheckpoint } = this.hot.told.told;
    while ((this.unanswered[0]?.ticket ?? Infinity) <= answeredCheckpoint) this.unanswered.shift();
    const acked = { epoch: floor.epoch, sequence: floor.sequence - 1 };
    let position = comparePositions(acked, checkpointed) > 0 ? acked : checkpointed;
    for (const { upTo } of this.unanswered) {
      if (comparePositions(position, upTo) >= 0)
        position = { epoch: upTo.epoch, sequence: upTo.sequence - 1 };
    }
    return position;
  }
}
