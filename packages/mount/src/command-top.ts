import { setTimeout as sleep } from 'node:timers/promises';
import { ExitStatus } from '@k2hft/config';
import { CommandError } from './failure.js';
import type { MountStatus } from './mount-status-content.js';
import { runningMount } from './running-mount.js';
import { askStatus } from './status-socket.js';
import { TopHistory } from './top-history.js';
import { topLines } from './top-screen.js';
import { TopTerminal } from './top-terminal.js';

const LOOK_MS = 1_000;
/** What is printed and not shown on a terminal is as wide as most terminals are. */
const PRINTED_COLUMNS = 80;

/** `k2hft top [POINT]`: what a mount does, live. With `once` it is printed, and no terminal is needed. */
export async function runTop(point: string | undefined, options: { once?: boolean }): Promise<void> {
  const { mountPoint, statusSocket } = runningMount(point);
  const history = new TopHistory();
  const look = async () => {
    history.add((await askStatus(statusSocket)) as MountStatus);
  };
  const isUnicode = /utf-?8/i.test(
    process.env['LC_ALL'] || process.env['LC_CTYPE'] || process.env['LANG'] || '',
  );
  try {
    await look();
  } catch (error) {
    throw new CommandError(
      ExitStatus.UNAVAILABLE,
      `${mountPoint} does not tell its status: ${String(error)}`,
    );
  }
  if (options.once === true) {
    // Rates are of the time between two looks.
    await sleep(LOOK_MS);
    await look();
    const columns = process.stdout.isTTY ? process.stdout.columns : PRINTED_COLUMNS;
    const lines = topLines(history, { columns, rows: Infinity, isUnicode, failure: undefined });
    process.stdout.write(`${lines.join('\n')}\n`);
    return;
  }
  if (!process.stdout.isTTY)
    throw new CommandError(ExitStatus.USAGE, 'k2hft top needs a terminal; --once prints the table once');
  await showUntilQuit(history, look, isUnicode);
}

async function showUntilQuit(
  history: TopHistory,
  look: () => Promise<void>,
  isUnicode: boolean,
): Promise<void> {
  const terminal = new TopTerminal(process.stdin, process.stdout);
  const quitting = new AbortController();
  const { signal } = quitting;
  let failure: string | undefined;
  const show = () => {
    terminal.show(topLines(history, { ...terminal.size, isUnicode, failure }));
  };
  terminal.open({
    quit: () => {
      quitting.abort();
    },
    resized: show,
  });
  const isQuit = () => signal.aborted;
  while (!isQuit()) {
    show();
    await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined);
    if (isQuit()) break;
    await look().then(
      () => (failure = undefined),
      (error: unknown) => (failure = `no answer: ${error instanceof Error ? error.message : String(error)}`),
    );
  }
  terminal.close();
}
