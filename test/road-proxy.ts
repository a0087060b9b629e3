/**
 * A program that passes bytes on between a source and a server, late or not at all: its parent says which with a
 * message, a RoadState. It ends with its parent.
 *
 * Argument: the server's port on 127.0.0.1. Prints the URL that it listens on.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { SLOW_BYTES_PER_SECOND, SLOW_DELAY_MS, type RoadState } from './road-state.js';

/** How often it is looked whether a road that is cut was mended. */
const CUT_POLL_MS = 50;

let state: RoadState = 'open';

/** Resolves when so many bytes have come through. */
async function passage(bytes: number): Promise<void> {
  if (state === 'slow') await sleep(SLOW_DELAY_MS + (bytes * 1000) / SLOW_BYTES_PER_SECOND);
  while (state === 'cut') await sleep(CUT_POLL_MS);
}

function join(from: Socket, to: Socket): void {
  const written = () => {
    from.resume();
  };
  from.on('data', (chunk: Buffer) => {
    from.pause();
    void passage(chunk.length).then(() => to.write(chunk, written));
  });
  from.on('error', () => undefined);
  from.on('close', () => {
    void passage(0).then(() => to.destroy());
  });
}

const listener = createServer((near) => {
  const far = connect(Number(process.argv[2]), '127.0.0.1');
  join(near, far);
  join(far, near);
});
listener.listen(0, '127.0.0.1', () => {
  console.log(`listening on ws://127.0.0.1:${(listener.address() as AddressInfo).port}`);
});
process.on('message', (message) => {
  state = message as RoadState;
});
process.on('disconnect', () => process.exit(0));
