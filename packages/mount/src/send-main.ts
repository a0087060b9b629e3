import { appendTo, ExitStatus } from '@k2hft/config';
import { endProcess } from '@k2hft/queue';
import { explain, statusOf } from './failure.js';
import { uncover, type HiddenSend } from './send-hidden.js';
import { carryOutSend } from './send-session.js';

/** Runs with mounts of its own, see send-hidden.ts. */
const stop = new AbortController();
const end = () => {
  stop.abort();
};
process.on('SIGTERM', end);
// The terminal sends it to both processes; the one that has started this one passes it on.
process.on('SIGINT', end);
// The one that has started this one was killed.
process.once('disconnect', end);
const fault = (error: unknown) => {
  appendTo(2)(explain(error));
  endProcess(statusOf(error));
};
process.on('uncaughtException', fault);
process.once('message', (message) => {
  send(message as HiddenSend).then(endProcess, fault);
});
if (!process.connected) process.exit(ExitStatus.USAGE);

async function send(hidden: HiddenSend): Promise<number> {
  await uncover(hidden);
  return carryOutSend(hidden.plan, stop.signal);
}
