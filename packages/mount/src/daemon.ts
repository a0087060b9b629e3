import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { appendTo, ExitStatus } from '@k2hft/config';
import { isDaemonMessage } from './daemon-messages.js';
import { openDaemonLog } from './daemon-log.js';
import { CommandError } from './failure.js';
import type { MountPlan } from './mount-plan.js';

const PROGRAM = fileURLToPath(new URL('../../bin/k2hft.js', import.meta.url));
/** Set in the environment of a daemon. */
const VARIABLE = 'K2HFT_DAEMON';
/** A daemon reads its plan from here: the plan holds the settings, which may be of any length. */
const PLAN_FD = 4;
/** Mounting takes about a second, on a busy machine a few; who calls mount(8) at boot must not wait for ever. */
const READY_LIMIT_MS = 60_000;

/**
 * Starts the supervisor in a session of its own, with `/` as its working directory and nothing of the caller's open,
 * and returns when the mount is served. Throws CommandError with what the daemon says when it cannot.
 */
export async function startDaemon(plan: MountPlan): Promise<void> {
  const say = appendTo(2);
  const { stdio, isOurs } = await openDaemonLog(plan.logFile, process.env);
  if (stdio === 'ignore')
    say(
      'k2hft: this system has no journal, so the log of the daemon is lost: give --log-file FILE to keep it\n',
    );
  const daemon = spawn(process.execPath, [PROGRAM, 'mount', plan.mountPoint], {
    cwd: '/',
    detached: true,
    stdio: ['ignore', stdio, stdio, 'ipc', 'pipe'],
    env: { ...process.env, [VARIABLE]: '1' },
  });
  // A daemon that ends before it has read it is told of below.
  const given = (daemon.stdio as readonly unknown[] | undefined)?.[PLAN_FD] as Socket | undefined;
  given?.on('error', () => undefined).end(JSON.stringify(plan));
  try {
    await untilReady(daemon, isOurs ? () => undefined : say);
  } finally {
    if (daemon.connected) daemon.disconnect();
    daemon.unref();
    if (typeof stdio === 'object') stdio.destroy();
  }
}

/** The plan that this process is to carry out, if it is a daemon. Its own children are none. */
export function takeDaemonPlan(): MountPlan | undefined {
  if (process.env[VARIABLE] === undefined) return undefined;
  // Only one that was started by the function above has a channel: a variable that somebody exported means nothing.
  Reflect.deleteProperty(process.env, VARIABLE);
  if (!process.connected) return undefined;
  const plan = JSON.parse(readFileSync(PLAN_FD, 'utf8')) as MountPlan;
  closeSync(PLAN_FD);
  return plan;
}

function untilReady(daemon: ChildProcess, say: (line: string) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (status: number, message: string) => {
      clearTimeout(timer);
      reject(new CommandError(status, message));
    };
    const timer = setTimeout(() => {
      daemon.kill('SIGTERM');
      fail(ExitStatus.UNAVAILABLE, `the mount is not served after ${READY_LIMIT_MS / 1000} s; see the log`);
    }, READY_LIMIT_MS);
    daemon.on('message', (message: unknown) => {
      if (!isDaemonMessage(message)) return;
      if (message.type === 'log') say(message.line);
      else if (message.type === 'failed') fail(message.status, message.message);
      else {
        clearTimeout(timer);
        resolve();
      }
    });
    daemon.once('error', (error) => {
      fail(ExitStatus.FAULT, `the daemon cannot be started: ${error.message}`);
    });
    daemon.once('exit', (status, signal) => {
      // One that ended in order was stopped by somebody: it does not serve either.
      fail(
        status === 0 ? ExitStatus.UNAVAILABLE : (status ?? ExitStatus.FAULT),
        `the daemon ended (${signal ?? `status ${status ?? -1}`}) before it served`,
      );
    });
  });
}
