import { request, type IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import { ExitStatus } from '@k2hft/config';
import { CommandError } from './failure.js';
import { formatTapLine } from './format-tap.js';
import { runningMount } from './running-mount.js';
import type { TapLine } from './tap-record.js';

/** `k2hft tap PATTERN [POINT]`: prints the records that are written from now on, until it is interrupted. */
export async function runTap(
  pattern: string,
  point: string | undefined,
  options: { rate?: string; json?: boolean },
): Promise<void> {
  const rate = Number(options.rate ?? 20);
  if (!Number.isSafeInteger(rate) || rate < 1)
    throw new CommandError(
      ExitStatus.USAGE,
      `--rate ${options.rate ?? ''}: expected a whole number from 1 on`,
    );
  const { mountPoint, statusSocket } = runningMount(point);
  // Whoever reads what is printed may have enough of it.
  process.stdout.on('error', () => process.exit(ExitStatus.DONE));
  const query = new URLSearchParams({ pattern, rate: String(rate) });
  const answer = await ask(statusSocket, `/tap?${query.toString()}`).catch((error: unknown) => {
    throw new CommandError(ExitStatus.UNAVAILABLE, `${mountPoint} does not answer: ${String(error)}`);
  });
  if (answer.statusCode !== 200)
    throw new CommandError(ExitStatus.UNAVAILABLE, `${mountPoint}: too many tap already; end one of them`);
  try {
    for await (const line of createInterface({ input: answer })) {
      const shown = options.json === true ? line : formatTapLine(JSON.parse(line) as TapLine);
      // It is waited for: what is not taken in time is left out at the other end.
      if (!process.stdout.write(`${shown}\n`))
        await new Promise((resolve) => process.stdout.once('drain', resolve));
    }
  } catch (error) {
    if (!answer.destroyed) throw error;
  }
  throw new CommandError(ExitStatus.UNAVAILABLE, `${mountPoint}: the mount, or its forwarder, has ended`);
}

function ask(socketPath: string, path: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request({ socketPath, path }, resolve).on('error', reject).end();
  });
}
