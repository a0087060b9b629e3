import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { join } from 'node:path';
import { startProcess, waitUntil, type Cleanup } from '@k2hft/test-harness';
import { runProgram, waitForBytes } from './files.js';
import { receiverConfig, senderConfig } from './rsyslog-config.js';
import type { Subject } from './subject.js';

const COMMAND = 'rsyslogd';
const START_MS = 20_000;
const WARM_UP = 'the first line\n';

/** Installs rsyslog with RELP when it is missing. Returns why it cannot be measured, or undefined. */
export async function prepareRsyslog(cleanup: Cleanup, folder: string): Promise<string | undefined> {
  if (installed(folder)) return undefined;
  if (process.getuid?.() !== 0 || spawnSync('apt-get', ['--version']).status !== 0) {
    return 'rsyslog is not installed, and only root on Debian can install it (packages rsyslog and rsyslog-relp)';
  }
  console.error('installing rsyslog and rsyslog-relp');
  await runProgram(cleanup, 'apt-get', ['update', '-qq']);
  const packages = ['rsyslog', 'rsyslog-relp'];
  await runProgram(cleanup, 'apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages]);
  return installed(folder) ? undefined : 'rsyslog was installed, but does not load its RELP modules';
}

/** Asks rsyslogd itself, as the folder of its modules differs between architectures. */
function installed(folder: string): boolean {
  const file = join(folder, 'check.conf');
  writeFileSync(
    file,
    'module(load="imrelp")\nmodule(load="omrelp")\naction(type="omfile" file="/dev/null")\n',
  );
  return spawnSync(COMMAND, ['-N1', '-f', file]).status === 0;
}

/** Starts two rsyslogd with configurations, folders, ports and pid files of their own. */
export async function startRsyslog(cleanup: Cleanup, folder: string): Promise<Subject> {
  const port = await freePort();
  const watched = join(folder, 'watched');
  const output = join(folder, 'output.log');
  mkdirSync(watched, { recursive: true });
  const receiver = startOne(cleanup, join(folder, 'receiver'), (own) =>
    receiverConfig({ folder: own, output, port }),
  );
  await waitUntil('rsyslog listens', () => accepts(port), START_MS);
  const sender = startOne(cleanup, join(folder, 'sender'), (own) =>
    senderConfig({ folder: own, watched, port }),
  );
  // Only when a line has come through is everything connected.
  appendFileSync(join(watched, 'warm-up.log'), WARM_UP);
  await waitForBytes([output], WARM_UP.length, START_MS);
  return {
    name: 'rsyslog',
    roles: { sender, receiver },
    road(name) {
      const into = join(watched, `${name}.log`);
      // The only output is opened for appending, so it can be emptied while it is open.
      truncateSync(output);
      return {
        into,
        outOf: output,
        remove() {
          rmSync(into, { force: true });
          truncateSync(output);
        },
      };
    },
  };
}

function startOne(cleanup: Cleanup, folder: string, configure: (folder: string) => string): number {
  mkdirSync(folder);
  const file = join(folder, 'rsyslog.conf');
  writeFileSync(file, configure(folder));
  return startProcess(cleanup, COMMAND, ['-n', '-i', join(folder, 'rsyslogd.pid'), '-f', file]).pid;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: '127.0.0.1', port });
    const answer = (accepted: boolean) => {
      socket.destroy();
      resolve(accepted);
    };
    socket.once('connect', () => {
      answer(true);
    });
    socket.once('error', () => {
      answer(false);
    });
  });
}
