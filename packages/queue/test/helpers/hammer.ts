import { appendFileSync, closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import {
  HotQueue,
  listQueue,
  POSITION_ZERO,
  QueueDrain,
  Waker,
  WakeListener,
  QueueError,
  type Position,
} from '../../src/index.js';
import { checkBatch, inspect, makeBatch } from './batches.js';
import { SETTINGS } from './queues.js';

/*
 * Two processes for the test with SIGKILL. The writer notes in a file each sequence that append() has returned for;
 * the drainer notes each batch, after it was checked and before it is acked.
 */
const CHECKPOINT_MS = 60;
const BACKLOG_BATCHES = 20_000;

/** Writes until it is killed. */
function write(dir: string): void {
  const hot = HotQueue.open({ dir, settings: { ...SETTINGS, checkpointMs: CHECKPOINT_MS }, inspect });
  const waker = new Waker(dir);
  const notes = openSync(join(dir, 'written'), 'a');
  console.log('open');
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (let round = 0; ; round++) {
    const sequence = hot.nextSequence();
    const batches = Array.from({ length: 1 + (round % 3) }, (_, index) => {
      const size = (sequence + index) % 40 === 0 ? 100_000 : ((sequence + index) * 37) % 700;
      return {
        sequence: sequence + index,
        bytes: makeBatch({ sequence: sequence + index, payloadBytes: size }),
      };
    });
    hot.append(batches, new Map([['last', Buffer.from(String(sequence + batches.length - 1))]]));
    waker.wake();
    writeSync(notes, `${hot.epoch} ${sequence + batches.length - 1}\n`);
    if (round % 500 === 0) hot.requestCheckpoint({ epoch: hot.epoch, sequence });
    if (round % 100 === 0) hot.collect();
    const { floor } = { floor: hot.checkpointed() };
    // The writer keeps within reach of the drainer, which is killed as well.
    if (floor.epoch === hot.epoch && sequence - floor.sequence > BACKLOG_BATCHES)
      Atomics.wait(pause, 0, 0, 5);
  }
}

/** Reads, checks and acks in a changing order until it is killed, or until everything is acked. */
async function drain(dir: string, untilEmpty: boolean): Promise<void> {
  const settings = { ...SETTINGS, checkpointMs: CHECKPOINT_MS };
  const onFault = (fault: { code: string; message: string }) => {
    console.log(`fault ${fault.code} ${fault.message}`);
  };
  const queue = await QueueDrain.open({ dir, settings, cursors: ['a'], inspect, onFault });
  const notes = openSync(join(dir, 'drained'), 'a');
  let next: Position = POSITION_ZERO;
  let round = 0;
  const look = (): void => {
    queue.noticed();
    for (let times = 0; times < 3; times++) {
      const found = queue.read('a', next, 400_000, 150);
      const last = found.at(-1);
      if (last === undefined) break;
      next = last.position;
      for (const { position, bytes } of found) checkBatch(position, bytes);
      writeSync(notes, found.map(({ position }) => `${position.epoch} ${position.sequence}\n`).join(''));
      const ranges = found.map(({ position }): [number, number] => [position.sequence, position.sequence]);
      if (round++ % 2 === 0) ranges.reverse();
      // Now and then the server is away: the batches go into the store, and are read again from there.
      if (round % 17 < 6) continue;
      queue.ack('a', last.position.epoch, ranges);
    }
    if (round % 29 === 0) next = POSITION_ZERO;
  };
  const listener = new WakeListener(dir, look);
  console.log('open');
  if (!untilEmpty) return;
  const timer = setInterval(() => {
    next = POSITION_ZERO;
    look();
    if (queue.hasNew(before(queue.floor()))) return;
    clearInterval(timer);
    listener.close();
    closeSync(notes);
    const { lost } = queue.statistics();
    appendFileSync(join(dir, 'end'), JSON.stringify({ floor: queue.floor(), lost }));
    void queue.close();
  }, 5);
}

function before({ epoch, sequence }: Position): Position {
  return { epoch, sequence: sequence - 1 };
}

function lookOnce(dir: string): void {
  try {
    listQueue(dir, inspect);
  } catch (error) {
    // What is just made or taken away may not be readable; what counts is what the writer notices of it.
    if (!(error instanceof QueueError)) throw error;
  }
}

const [role, dir = '', mode = ''] = process.argv.slice(2);
if (role === 'write') {
  try {
    write(dir);
  } catch (error) {
    console.log(error instanceof QueueError ? `${error.code} ${error.message}` : error);
    process.exitCode = 1;
  }
}
if (role === 'look') {
  // Opens and closes everything as fast as it can, as somebody with a command line might at the worst moment.
  console.log('open');
  for (;;) lookOnce(dir);
}
if (role === 'drain') await drain(dir, mode === 'untilEmpty');

/** What the two have noted, by epoch. */
export function readNotes(file: string): Map<number, number[]> {
  const notes = new Map<number, number[]>();
  for (const line of readFileSync(file, 'latin1').split('\n').slice(0, -1)) {
    const [epoch = 0, sequence = 0] = line.split(' ').map(Number);
    const list = notes.get(epoch) ?? [];
    list.push(sequence);
    notes.set(epoch, list);
  }
  return notes;
}
