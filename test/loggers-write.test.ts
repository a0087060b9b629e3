import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  sleep,
  startProcess,
  undoAtEnd,
  waitUntil,
  whyNoMounts,
  whyNoProgram,
  type Cleanup,
} from '@k2hft/test-harness';
import { killChild } from './killing.js';
import { startPipeline, type Pipeline } from './pipeline.js';

const noMounts = whyNoMounts();
const skipRsyslog = noMounts ?? whyNoProgram('rsyslogd', 'rsyslog') ?? false;
const skipPython = noMounts ?? whyNoProgram('python3', 'python3') ?? false;

const LINES = 20_000;
/** A few hundred lines: the log rolls some sixty times. */
const ROLLED_BYTES = 20_000;
const KILLS = 3;
const KILL_PERIOD_MS = 700;
/** rsyslogd that is killed instead of ending loses what it has not written. */
const ENDING_MS = 240_000;

function expectedLines(name: string): string {
  return Array.from({ length: LINES }, (_, index) => `${name} says line ${index} of ${LINES}\n`).join('');
}

/** The worker and the forwarder die in turn while the loggers log. */
async function killSometimes(pipeline: Pipeline): Promise<void> {
  for (let kill = 0; kill < KILLS; kill++) {
    await sleep(KILL_PERIOD_MS);
    await killChild(pipeline.mount.process.pid, kill % 2 === 0 ? 'worker' : 'forwarder');
  }
}

const PYTHON_LOGGER = `
import logging, logging.handlers, sys, time
path, name, lines, rolled_bytes = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
handler = logging.handlers.RotatingFileHandler(path, maxBytes=rolled_bytes, backupCount=4)
log = logging.getLogger(name)
log.addHandler(handler)
logging.raiseExceptions = True
for number in range(lines):
    log.warning("%s says line %d of %d", name, number, lines)
    if number % 1000 == 0: time.sleep(0.1)
`;

for (const mode of ['overlay', 'virtual'] as const) {
  void test(
    `Python loggers whose files roll: each line arrives once and in order (${mode})`,
    { skip: skipPython },
    async (t) => {
      const pipeline = await startPipeline(t, { mode, rules: [{ path: 'python*.log' }] });
      const loggers = ['python1', 'python2'].map((name) =>
        startProcess(t, 'python3', [
          ...['-c', PYTHON_LOGGER, pipeline.inside(`${name}.log`), name],
          ...[String(LINES), String(ROLLED_BYTES)],
        ]),
      );
      await killSometimes(pipeline);
      for (const logger of loggers) {
        assert.equal(await logger.ended, 0, logger.output());
        // The logging module does not fail when a line cannot be written: it says so.
        assert.equal(logger.output(), '');
      }
      for (const name of ['python1', 'python2']) await pipeline.arrives(`${name}.log`, expectedLines(name));
      assert.ok(existsSync(pipeline.inside('python1.log.4')), 'the log has rolled');
    },
  );
}

interface RunningRsyslog {
  readonly port: number;
  stop(): Promise<void>;
}

/** rsyslog takes lines from TCP and writes them into `log`, which it moves away itself when it has grown. */
async function startRsyslog(cleanup: Cleanup, folder: string, log: string): Promise<RunningRsyslog> {
  mkdirSync(folder);
  const mover = join(folder, 'move.sh');
  writeFileSync(mover, `#!/bin/sh\nmv -f ${log} ${log}.1\n`);
  chmodSync(mover, 0o755);
  const portFile = join(folder, 'port');
  const configuration = join(folder, 'rsyslog.conf');
  writeFileSync(
    configuration,
    `global(workDirectory="${folder}")
module(load="imtcp")
template(name="asSent" type="string" string="%rawmsg-after-pri%\\n")
input(type="imtcp" port="0" address="127.0.0.1" listenPortFileName="${portFile}")
action(type="omfile" file="${log}" template="asSent" rotation.sizeLimit="${ROLLED_BYTES}" rotation.sizeLimitCommand="${mover}")
`,
  );
  const pidFile = join(folder, 'rsyslogd.pid');
  const started = startProcess(cleanup, 'rsyslogd', ['-n', '-f', configuration, '-i', pidFile]);
  const stop = async (): Promise<void> => {
    started.child.kill('SIGTERM');
    const timer = setTimeout(() => started.child.kill('SIGKILL'), ENDING_MS);
    await started.ended;
    clearTimeout(timer);
  };
  undoAtEnd(cleanup, stop);
  const portText = (): string => (existsSync(portFile) ? readFileSync(portFile, 'utf8').trim() : '');
  await waitUntil('rsyslogd listens', () => portText() !== '').catch((error: unknown) => {
    throw new Error(`${String(error)}\n${started.output()}`);
  });
  return { port: Number(portText()), stop };
}

/** It names its port before it listens there. */
async function connected(port: number): Promise<Socket> {
  let socket: Socket | undefined;
  await waitUntil('rsyslogd takes connections', async () => {
    const trying = connect(port, '127.0.0.1');
    const isConnected = await new Promise<boolean>((resolve) => {
      trying.once('connect', resolve.bind(undefined, true)).once('error', resolve.bind(undefined, false));
    });
    if (isConnected) socket = trying;
    return isConnected;
  });
  assert.ok(socket !== undefined);
  return socket;
}

async function sendSlowly(port: number, text: string): Promise<void> {
  const socket = await connected(port);
  const lines = text.split('\n').slice(0, -1);
  for (let at = 0; at < lines.length; at += 1000) {
    const part = lines.slice(at, at + 1000).map((line) => `<14>${line}\n`);
    await new Promise<void>((resolve, reject) => {
      socket.write(part.join(''), (error) => {
        if (error instanceof Error) reject(error);
        else resolve();
      });
    });
    await sleep(100);
  }
  await new Promise<void>((resolve) => {
    socket.end(resolve);
  });
}

void test(
  'rsyslog moves its file away again and again: each line arrives once and in order',
  { skip: skipRsyslog },
  async (t) => {
    const pipeline = await startPipeline(t, { mode: 'overlay', rules: [{ path: 'rsyslog.log' }] });
    const log = pipeline.inside('rsyslog.log');
    const rsyslog = await startRsyslog(t, join(pipeline.folder, 'rsyslog'), log);
    const expected = expectedLines('rsyslog');
    await Promise.all([sendSlowly(rsyslog.port, expected), killSometimes(pipeline)]);
    await pipeline.arrives('rsyslog.log', expected);
    await rsyslog.stop();
    assert.ok(existsSync(`${log}.1`), 'the file was moved');
    await pipeline.arrives('rsyslog.log', expected);
  },
);
