import type { Command } from 'commander';
import { ExitStatus, printable } from '@k2hft/config';
import { dropQueue, dumpQueue, listQueue, verifyQueue, type QueueListing } from '@k2hft/queue';
import { decodeBatch, inspectBatch } from '@k2hft/wire';
import { CommandError } from './failure.js';
import { formatBytes, formatDuration } from './format-status.js';

/** Adds `ls`, `dump`, `verify` and `drop` below `k2hft queue`. */
export function addQueueCommands(queue: Command): void {
  queue
    .command('ls')
    .description('what waits in a queue; works beside a running mount')
    .argument('<dir>', 'queue.dir of the configuration')
    .option('--json', 'as JSON')
    .action((dir: string, options: { json?: boolean }) => {
      const listing = listQueue(dir, inspectBatch);
      process.stdout.write(
        options.json === true ? `${JSON.stringify(listing, undefined, 2)}\n` : formatListing(listing),
      );
    });
  queue
    .command('dump')
    .description('print what waits in a queue: the bytes as they would arrive, or one JSON object per batch')
    .argument('<dir>', 'queue.dir of the configuration')
    .option('--json', 'position, path, host, time, process and payload (base64) of each batch')
    .action(async (dir: string, options: { json?: boolean }) => {
      const format =
        options.json === true ? batchAsJson : (_: unknown, bytes: Buffer) => decodeBatch(bytes, 0).payload;
      await dumpQueue(dir, process.stdout, format);
    });
  queue
    .command('verify')
    .description('read every waiting batch and check it')
    .argument('<dir>', 'queue.dir of the configuration')
    .action((dir: string) => {
      verify(dir);
    });
  queue
    .command('drop')
    .description('throw away everything that waits; only while nobody uses the queue')
    .argument('<dir>', 'queue.dir of the configuration')
    .requiredOption('--yes', 'what is dropped is lost: say that you mean it')
    .action(async (dir: string) => {
      const { batches, records, bytes } = await dropQueue(dir, inspectBatch);
      process.stdout.write(`dropped ${batches} batches, ${records} records, ${formatBytes(bytes)}\n`);
    });
}

function verify(dir: string): void {
  const { checked, problems } = verifyQueue(dir, (_, bytes) => {
    decodeBatch(bytes, 0);
  });
  for (const { position, message } of problems) {
    const where = position === undefined ? 'queue' : `batch ${position.epoch}:${position.sequence}`;
    process.stdout.write(`${where}: ${message}\n`);
  }
  process.stdout.write(
    `checked ${checked.batches} batches, ${formatBytes(checked.bytes)}: ${problems.length} problems\n`,
  );
  if (problems.length > 0)
    throw new CommandError(ExitStatus.FAULT, 'the queue is damaged; what is whole will be delivered');
}

function formatListing(listing: QueueListing): string {
  const { hot, store, oldestMs, owner } = listing;
  const age = oldestMs === undefined ? '-' : formatDuration(Date.now() - oldestMs);
  const lines = [
    `source   ${listing.source}, epoch ${listing.epoch}`,
    `in use   ${owner === undefined ? 'no' : `by process ${owner.pid} (${owner.what}) since ${owner.since}`}`,
    `waiting  ${hot.batches + store.batches} batches, ${hot.records + store.records} records, ${formatBytes(hot.bytes + store.bytes)}, oldest ${age}`,
    `hot      ${hot.batches} batches, ${formatBytes(hot.bytes)}`,
    `store    ${store.batches} batches, ${formatBytes(store.bytes)}, ${store.files} files`,
  ];
  for (const [name, position] of Object.entries(listing.cursors)) {
    lines.push(
      `cursor   ${printable(name)}: everything below ${position.epoch}:${position.sequence} is delivered`,
    );
  }
  for (const [reason, amount] of Object.entries(listing.lost)) {
    lines.push(`lost     ${reason}: ${amount.records} records, ${formatBytes(amount.bytes)}`);
  }
  return `${lines.join('\n')}\n`;
}

function batchAsJson(_: unknown, bytes: Buffer): string {
  const { path, payload, timeSeconds, timeNanos, ...rest } = decodeBatch(bytes, 0);
  const time = `${new Date(timeSeconds * 1000).toISOString().slice(0, 19)}.${String(timeNanos).padStart(9, '0')}Z`;
  return `${JSON.stringify({ ...rest, path: path.toString(), time, payload: payload.toString('base64') })}\n`;
}
