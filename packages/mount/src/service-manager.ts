import { spawn } from 'node:child_process';

/**
 * Tells systemd of a change, if it started us: sd_notify(3) needs a datagram socket, which Node has not, so
 * systemd's own program sends it.
 */
export function notifyServiceManager(state: string): void {
  if (process.env['NOTIFY_SOCKET'] === undefined) return;
  spawn('systemd-notify', [`--pid=${process.pid}`, state], { stdio: 'ignore' }).on('error', () => undefined);
}
