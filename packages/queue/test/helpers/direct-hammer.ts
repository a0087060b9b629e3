import { openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { DirectQueue, POSITION_ZERO, type Position } from '../../src/index.js';
import { inspect, makeBatch } from './batches.js';
import { SETTINGS } from './queues.js';

/*
 * One process that appends numbered batches and drains them, until it is killed. The number goes where a batch has
 * its stream; the ledger holds the last number. What is drained is noted before it is acked.
 */
const [dir = '', mode = ''] = process.argv.slice(2);
const queue = await DirectQueue.open({
  dir,
  settings: { ...SETTINGS, maxSizeBytes: 48 * 1024 * 1024 },
  cursors: ['a'],
  inspect,
  onFault: ({ code, message }) => {
    console.log(`fault ${code} ${message}`);
  },
});
const notes = openSync(join(dir, 'drained'), 'a');
console.log('open');
let isEnding = mode === 'untilEmpty';
let next: Position = POSITION_ZERO;
let turn = 0;
const drain = setInterval(() => {
  const found = queue.read('a', next, 400_000, 100);
  const last = found.at(-1);
  if (last === undefined) {
    if (!isEnding) return;
    clearInterval(drain);
    writeSync(notes, `end ${lastNumber()} ${JSON.stringify(queue.statistics().lost)}\n`);
    void queue.close();
    return;
  }
  next = last.position;
  const lines = found.map(
    ({ position, bytes }) => `${position.epoch}:${position.sequence} ${inspect(bytes).stream}`,
  );
  writeSync(notes, `${lines.join('\n')}\n`);
  const ranges = found.map(({ position }): [number, number] => [position.sequence, position.sequence]);
  // Most of it is acked, so that files go; some only after the next kill.
  if (turn++ % 10 !== 3 || isEnding)
    for (const [index, { position }] of found.entries())
      queue.ack('a', position.epoch, ranges.slice(index, index + 1));
}, 2);

while (!isEnding) {
  const number = lastNumber();
  const sequence = queue.nextSequence();
  const batches = Array.from({ length: 1 + (number % 4) }, (_, index) => ({
    sequence: sequence + index,
    bytes: makeBatch({
      sequence: sequence + index,
      stream: number + index + 1,
      payloadBytes: (number + index) % 9 === 0 ? 90_000 : ((number + index) * 37) % 700,
    }),
  }));
  try {
    await queue.append(batches, new Map([['number', Buffer.from(String(number + batches.length))]]));
  } catch (error) {
    if (!String(error).includes('full')) {
      console.log(error);
      isEnding = true;
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function lastNumber(): number {
  return Number(queue.ledger().get('number')?.toString() ?? 0);
}
