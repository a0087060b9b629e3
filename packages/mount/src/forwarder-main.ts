import { readFileSync } from 'node:fs';
import type { AdminServer } from '@k2hft/admin';
import { appendTo, createLog, ExitStatus, type Log, type MountSettings } from '@k2hft/config';
import { cursorsOf, Forwarder } from '@k2hft/forwarder';
import { fuseUnmount } from '@k2hft/fuse';
import { endProcess, QueueDrain, WakeListener } from '@k2hft/queue';
import { inspectBatch } from '@k2hft/wire';
import { bootId } from './boot-id.js';
import { FORWARDER_ENVIRONMENT, readChildArguments, type ChildArguments } from './child-arguments.js';
import { isSupervisorMessage, type ForwarderMessage } from './forwarder-messages.js';
import { defaultStatusSocket } from './mount-registry.js';
import type { MountStatus } from './mount-status-content.js';
import { PluginLanes, pluginCursors } from './plugin-lanes.js';
import { summarizeQueue } from './queue-summary.js';
import { SOFTWARE } from './software.js';
import { StatusSocket } from './status-socket.js';
import { SupervisorPulse } from './supervisor-pulse.js';
import { answerTap } from './tap-answer.js';
import { TapHub } from './tap-hub.js';
import { workerReportPath, type WorkerReportContent } from './worker-report.js';

/** The supervisor hears of progress at most this often: it ticks the worker when requests wait. */
const PROGRESS_MS = 5;
/** The last checkpoint is given this long even when the time to end is over. */
const CHECKPOINT_MS = 2_000;

/** The process with the event loop: drains the queue to the servers, checkpoints, and serves the status. */
async function main(): Promise<void> {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
  const given = readChildArguments();
  // What is set for this process alone is not for plugins.
  for (const [name, value] of Object.entries(FORWARDER_ENVIRONMENT)) {
    if (process.env[name] === value) Reflect.deleteProperty(process.env, name);
  }
  let { settings } = given;
  let currentLog = createLog('k2hft', settings.log, appendTo(2));
  const log: Log = (level, message) => {
    currentLog(level, message);
  };
  let workerPid: number | undefined;
  let endPlugins = (): Promise<void> => Promise.resolve();
  // A closed channel means that the supervisor is dead: nobody would start a worker again, so the mount must go.
  process.once('disconnect', () => {
    void lastOneOut(given, workerPid, endPlugins);
  });
  // It may have died while this program was being loaded: then the event is over.
  if (!process.connected) await lastOneOut(given, workerPid, endPlugins);
  const tell = (message: ForwarderMessage) => {
    if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
  };
  const serverCursors = serverCursorsOf(settings);
  const cursorsNow = () => [...serverCursorsOf(settings), ...pluginCursors(settings.rules)];
  const taps = new TapHub(
    () => queue,
    () => cursorsNow()[0],
  );
  const queue: QueueDrain = await QueueDrain.open({
    dir: settings.queue.dir,
    settings: settings.queue,
    cursors: cursorsNow(),
    inspect: inspectBatch,
    onRead: taps.saw,
    ...bootId(),
    onFault: ({ code, message }) => {
      log(code === 'hot_lost' ? 'warn' : 'error', `queue: ${message}`);
    },
  });
  const progress = atMostEvery(PROGRESS_MS, () => {
    tell({ type: 'progress' });
  });
  // When nothing is sent there may be no server, only plugins.
  const makeForwarder = ({ servers, host }: MountSettings) =>
    new Forwarder({ queue, servers, host, software: SOFTWARE, log, onProgress: progress });
  let forwarder = serverCursors.length === 0 ? undefined : makeForwarder(settings);
  const plugins = new PluginLanes({ queue, rules: settings.rules, serverCursors, log, progress });
  endPlugins = () => plugins.stop(0);
  const listener = new WakeListener(settings.queue.dir, () => {
    forwarder?.noticed();
    plugins.noticed();
  });
  const pulse = new SupervisorPulse();
  const tellStatus = (): MountStatus => ({
    atMs: Date.now(),
    mountPoint: given.mountPoint,
    mode: settings.mount.mode,
    host: settings.host,
    source: queue.source,
    software: SOFTWARE,
    queue: summarizeQueue(queue.statistics(), Date.now()),
    servers: forwarder?.status() ?? [],
    handedOver: forwarder?.handedOver() ?? 0,
    damaged: forwarder?.damaged() ?? 0,
    plugins: plugins.status(),
    worker: readReport(settings.queue.dir),
    processes: { supervisor: process.ppid, worker: workerPid, forwarder: process.pid },
    restarts: pulse.restarts,
    answeredAgoMs: pulse.answeredAgoMs,
  });
  const status = new StatusSocket(
    settings.admin.socket ?? defaultStatusSocket(given.mountPoint),
    tellStatus,
    new Map([['/tap', answerTap.bind(undefined, taps)]]),
  );
  await status.listen().catch((error: unknown) => {
    log('warn', `no status socket: ${String(error)}`);
  });
  const admin = await listenForOperators(() => settings.admin, tellStatus, log);
  let changing = Promise.resolve();
  process.on('message', (message: unknown) => {
    if (!isSupervisorMessage(message)) return;
    if (message.type === 'worker') workerPid = message.pid;
    else if (message.type === 'answered') pulse.heard(message);
    else if (message.type === 'settings') changing = changing.then(() => change(message.settings));
    else void stop(message.graceMs);
  });
  forwarder?.start();
  plugins.start();
  tell({ type: 'up' });

  /** Goes over to other settings. What fails here ends the process, and the next one begins with them. */
  async function change(next: MountSettings): Promise<void> {
    currentLog = createLog('k2hft', next.log, appendTo(2));
    await queue.update(next.queue);
    settings = next;
    await changeServers(next);
    await plugins.update(next.rules, serverCursorsOf(next));
    tell({ type: 'changed' });
  }

  async function changeServers(next: MountSettings): Promise<void> {
    const cursors = serverCursorsOf(next);
    const present = forwarder;
    if (present !== undefined && cursors.length > 0) present.update(next.servers);
    else if (present !== undefined) {
      // Without servers, what waits for one is wanted by nobody.
      await present.stop(next.servers.failoverAfterMs);
      forwarder = undefined;
      for (const cursor of present.cursors) queue.removeCursor(cursor);
    } else if (cursors.length > 0) {
      for (const cursor of cursors) queue.addCursor(cursor);
      forwarder = makeForwarder(next);
      forwarder.start();
    }
  }

  async function stop(graceMs: number): Promise<void> {
    listener.close();
    status.close();
    await admin?.close();
    const deadlineMs = performance.now() + graceMs;
    const pluginsStopped = plugins.stop(graceMs);
    await forwarder?.stop(graceMs);
    await keepThroughReboot(queue, Math.max(deadlineMs - performance.now(), CHECKPOINT_MS), log);
    await pluginsStopped;
    await queue.close();
    endProcess(ExitStatus.DONE);
  }
}

/** What only this needs is not loaded by the others: it is some megabytes. */
async function listenForOperators(
  settings: () => MountSettings['admin'],
  status: () => MountStatus,
  log: Log,
): Promise<AdminServer | undefined> {
  const { listen } = settings();
  if (listen === undefined) return undefined;
  const { openAdmin } = await import('./mount-admin.js');
  return openAdmin(listen, () => settings().unhealthyAfterMs, status, log);
}

/** The queue's cursors of the servers; none when nothing is sent. */
function serverCursorsOf({ servers }: MountSettings): string[] {
  return servers.urls.length === 0 ? [] : cursorsOf(servers);
}

/** What is not delivered would not survive a reboot in hot, however orderly: it goes to the crash-proof store. */
async function keepThroughReboot(queue: QueueDrain, limitMs: number, log: Log): Promise<void> {
  const timer = new Promise<never>((_, reject) => {
    setTimeout(reject, limitMs, new Error(`not within ${Math.round(limitMs)} ms`)).unref();
  });
  await Promise.race([queue.checkpoint(true), timer]).catch((error: unknown) => {
    log('warn', `what is not delivered does not survive a reboot: ${String(error)}`);
  });
}

async function lastOneOut(
  given: ChildArguments,
  workerPid: number | undefined,
  endPlugins: () => Promise<void>,
): Promise<void> {
  if (workerPid !== undefined) {
    try {
      process.kill(workerPid, 'SIGKILL');
    } catch {
      // It has ended by itself, as it should.
    }
  }
  await fuseUnmount(given.mountPoint, { lazy: true }).catch(() => undefined);
  await endPlugins();
  endProcess(ExitStatus.FAULT);
}

function readReport(queueDir: string): WorkerReportContent | undefined {
  try {
    return JSON.parse(readFileSync(workerReportPath(queueDir), 'utf8')) as WorkerReportContent;
  } catch {
    return undefined;
  }
}

/** Calls `action` at once, and again at the end of the pause if it was asked for meanwhile. */
function atMostEvery(pauseMs: number, action: () => void): () => void {
  let timer: NodeJS.Timeout | undefined;
  let wanted = false;
  const fire = () => {
    wanted = false;
    action();
    timer = setTimeout(() => {
      timer = undefined;
      if (wanted) fire();
    }, pauseMs);
  };
  return () => {
    if (timer === undefined) fire();
    else wanted = true;
  };
}

function fault(error: unknown): void {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  appendTo(2)(`k2hft: error: the forwarder failed: ${text}\n`);
  endProcess(ExitStatus.FAULT);
}

process.on('uncaughtException', fault);
main().catch(fault);
