import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  freePort,
  sleep,
  startMount,
  startProcess,
  temporaryFolder,
  undoAtEnd,
  waitUntil,
  waitUntilDelivered,
  whyNoMounts,
  whyNoProgram,
  type Cleanup,
} from '@k2hft/test-harness';
import { killChild, KeptServer } from './killing.js';
import { shell } from './pipeline.js';

const skip =
  whyNoMounts() ??
  whyNoProgram('nginx', 'nginx') ??
  whyNoProgram('wrk', 'wrk') ??
  whyNoProgram('logrotate', 'logrotate') ??
  false;

/** It is told to end long before. */
const LOAD_SECONDS = 36_000;
/** However slow the machine is, so much is logged. */
const REQUESTS_LEAST = 1001;
const LINE_BYTES_MAX = 150;
const ROTATION_PERIOD_MS = 1900;
const ROTATIONS = 4;
/** Few enough that the machine has time for the rest of the system, too. Each request is one write(2) of one line. */
const CONNECTIONS = 8;
/** A master that is killed leaves its workers behind. */
const ENDING_MS = 240_000;

interface LoggingNginx {
  readonly pid: number;
  readonly url: string;
  stop(): Promise<void>;
  /** What nginx logged at the same moments into a file outside of the mount. */
  logged(): string[];
  /** How much that is by now. */
  loggedBytes(): number;
  /** What nginx complained about. */
  errors(): string;
}

/**
 * Starts nginx as Debian does, with workers that are not root. It logs each request twice: into the mount, and, for comparison, into
 * a file that nobody rotates. A request's id is nginx's own, 32 random hexadecimal digits.
 */
async function startNginx(cleanup: Cleanup, folder: string, log: string): Promise<LoggingNginx> {
  mkdirSync(folder);
  const truth = join(folder, 'truth.log');
  const errors = join(folder, 'error.log');
  const port = await freePort();
  const configuration = join(folder, 'nginx.conf');
  writeFileSync(
    configuration,
    `user www-data;
worker_processes 2;
daemon off;
pid ${join(folder, 'nginx.pid')};
error_log ${errors} warn;
events { worker_connections 256; }
http {
  log_format identified '$request_id [$time_local] "$request" $status $body_bytes_sent "$http_referer"';
  access_log ${log} identified;
  access_log ${truth} identified;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
  server { listen 127.0.0.1:${port}; location / { return 200 "done\\n"; } }
}
`,
  );
  const started = startProcess(cleanup, 'nginx', ['-e', errors, '-c', configuration]);
  const stop = async (): Promise<void> => {
    started.child.kill('SIGTERM');
    const timer = setTimeout(() => started.child.kill('SIGKILL'), ENDING_MS);
    await started.ended;
    clearTimeout(timer);
  };
  // A master that is killed would leave its workers behind, with files open in the mount.
  undoAtEnd(cleanup, stop);
  const said = (): string => (existsSync(errors) ? readFileSync(errors, 'utf8') : '');
  await waitUntil('nginx serves', () => existsSync(join(folder, 'nginx.pid'))).catch((error: unknown) => {
    throw new Error(`${String(error)}\n${started.output()}\n${said()}`);
  });
  return {
    pid: started.pid,
    url: `http://127.0.0.1:${port}/`,
    stop,
    logged: () => linesOf(truth),
    loggedBytes: () => statSync(truth).size,
    errors: said,
  };
}

function linesOf(file: string): string[] {
  const text = readFileSync(file, 'latin1');
  assert.ok(text === '' || text.endsWith('\n'), `${file} ends with a whole line`);
  return text.split('\n').slice(0, -1);
}

/** Both as sets, and no line twice: nginx has several workers, whose order differs from file to file. */
function assertSameLines(found: readonly string[], expected: readonly string[]): void {
  const missing = new Set(expected);
  const surplus = found.filter((line) => !missing.delete(line));
  const examples = { missing: [...missing].slice(0, 3), surplus: surplus.slice(0, 3) };
  assert.deepEqual(
    { missing: missing.size, surplus: surplus.length },
    { missing: 0, surplus: 0 },
    JSON.stringify(examples, undefined, 1),
  );
}

interface Rotated {
  readonly requests: string[];
  readonly arrived: string[];
  /** The lines of the file and of what it was rotated to, below the overlay. */
  readonly kept: string[];
}

/** nginx logs into an overlay under load, while logrotate rotates the log. */
async function rotateUnderLoad(
  cleanup: Cleanup,
  directives: (nginx: LoggingNginx) => string,
  meanwhile?: (supervisorPid: number, server: KeptServer) => Promise<void>,
): Promise<Rotated> {
  const folder = temporaryFolder(cleanup);
  chmodSync(folder, 0o755);
  const server = await KeptServer.start(cleanup, join(folder, 'server'));
  const mount = await startMount(cleanup, {
    folder: join(folder, 'source'),
    urls: [server.url],
    mode: 'overlay',
    rules: [{ path: 'access.log' }],
  });
  const log = join(mount.point, 'access.log');
  const nginx = await startNginx(cleanup, join(folder, 'nginx'), log);
  const configuration = join(folder, 'logrotate.conf');
  writeFileSync(
    configuration,
    `${log} {\n su root root\n rotate 50\n size 1\n missingok\n ${directives(nginx)}\n}\n`,
    { mode: 0o644 },
  );
  const load = startProcess(cleanup, 'wrk', [
    ...['-t', '1', '-c', String(CONNECTIONS), '-d', `${LOAD_SECONDS}s`, '--timeout', '20s'],
    nginx.url,
  ]);
  const disturbed = meanwhile?.(mount.process.pid, server);
  for (let rotation = 0; rotation < ROTATIONS; rotation++) {
    await sleep(ROTATION_PERIOD_MS);
    shell(`logrotate -f -s ${join(folder, 'logrotate.state')} ${configuration}`);
  }
  await disturbed;
  await waitUntil('enough is logged', () => nginx.loggedBytes() >= REQUESTS_LEAST * LINE_BYTES_MAX);
  load.child.kill('SIGINT');
  assert.equal(await load.ended, 0, load.output());
  await nginx.stop();
  assert.doesNotMatch(nginx.errors(), /\[(alert|crit|emerg|error)\]/, nginx.errors());
  await waitUntilDelivered(mount);
  await mount.stop();
  const kept = readdirSync(mount.point).map((name) => join(mount.point, name));
  assert.equal(kept.length, ROTATIONS + 1);
  return {
    requests: nginx.logged(),
    arrived: linesOf(join(folder, 'server', 'output', 'access.log')),
    kept: kept.flatMap(linesOf),
  };
}

void test(
  'each line of a busy nginx arrives once while logrotate moves the log away and everything is killed',
  { skip },
  async (t) => {
    const rotated = await rotateUnderLoad(
      t,
      (nginx) => `create 0640 www-data adm\n postrotate\n kill -USR1 ${nginx.pid}\n endscript`,
      async (supervisorPid, server) => {
        for (const victim of ['worker', 'forwarder', 'server', 'worker', 'server', 'worker'] as const) {
          await sleep(1000);
          if (victim === 'server') await server.killAndRestart();
          else await killChild(supervisorPid, victim);
        }
      },
    );
    t.diagnostic(`${rotated.requests.length} requests`);
    assert.ok(rotated.requests.length >= REQUESTS_LEAST);
    assertSameLines(rotated.arrived, rotated.requests);
    assertSameLines(rotated.kept, rotated.requests);
  },
);

void test(
  'each line of a busy nginx arrives once while logrotate copies and truncates the log',
  { skip },
  async (t) => {
    const rotated = await rotateUnderLoad(t, () => 'copytruncate');
    t.diagnostic(`${rotated.requests.length} requests`);
    assert.ok(rotated.requests.length >= REQUESTS_LEAST);
    // Below, logrotate loses what nginx writes between the copy and the truncation. What travels is not the file but the writes.
    assertSameLines(rotated.arrived, rotated.requests);
  },
);
