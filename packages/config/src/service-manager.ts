import { spawn } from 'node:child_process';
import type { Log } from './log.js';

/**
 * Tells systemd of a change (`READY=1`, `STOPPING=1`, `STATUS=…`), if it started us: see sd_notify(3). That needs a
 * datagram socket, which Node has not, so systemd's own program sends it; a unit has to say `NotifyAccess=all`, since
 * it is another process that speaks.
 */
export function notifyServiceManager(log: Log, ...states: readonly string[]): void {
  void tellServiceManager(log, ...states);
}

/** The same; resolves when it was told, so that the next one comes after it. */
export function tellServiceManager(log: Log, ...states: readonly string[]): Promise<void> {
  if ((process.env['NOTIFY_SOCKET'] ?? '') === '') return Promise.resolve();
  return new Promise((resolve) => {
    const notifier = spawn('systemd-notify', [...states], { stdio: 'ignore' });
    notifier.on('error', (error) => {
      log('warn', `systemd was not told ${states.join(' ')}: ${error.message}`);
      resolve();
    });
    notifier.on('exit', () => {
      resolve();
    });
  });
}
