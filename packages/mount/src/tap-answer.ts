import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TapHub } from './tap-hub.js';

/** What a reader has not taken yet: beyond it, records are left out for it. */
const UNTAKEN_BYTES_MAX = 256 * 1024;

const RECORDS_PER_SECOND = 20;

/** Answers `/tap?pattern=GLOB&rate=N` with a TapLine a line, until the connection ends. */
export function answerTap(hub: TapHub, asked: IncomingMessage, answer: ServerResponse): void {
  const { searchParams } = new URL(asked.url ?? '', 'http://localhost');
  const rate = Number(searchParams.get('rate') ?? RECORDS_PER_SECOND);
  const close = hub.open({
    pattern: searchParams.get('pattern') ?? '**',
    recordsPerSecondMax: Number.isSafeInteger(rate) && rate > 0 ? rate : RECORDS_PER_SECOND,
    tell: (line) => {
      if (answer.writableLength > UNTAKEN_BYTES_MAX) return false;
      answer.write(`${JSON.stringify(line)}\n`);
      return true;
    },
  });
  if (close === undefined) {
    answer.writeHead(503).end('too many tap already\n');
    return;
  }
  answer.on('close', close);
  answer.writeHead(200, { 'content-type': 'application/x-ndjson' });
  answer.flushHeaders();
}
