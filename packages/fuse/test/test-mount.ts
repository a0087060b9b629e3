import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync } from 'node:fs';
import { access } from 'node:fs/promises';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { fuseUnmount, mountFuse, negotiate, type Negotiated } from '../src/index.js';

export type FileSystemKind = 'memory' | 'memory-direct' | 'backed';

/** Why tests with real mounts cannot run here, or false. To be given to a test as its `skip`. */
export async function whyNoMount(): Promise<string | false> {
  if (process.getuid?.() !== 0) return 'mounting needs root';
  const device = await access('/dev/fuse').then(
    () => true,
    () => false,
  );
  return device ? false : 'there is no /dev/fuse';
}

export interface TestMount {
  readonly point: string;
  readonly negotiated: Negotiated;
  /** Starts another process that serves the mount, in place of one that has died. */
  serve(kind: FileSystemKind, start: 'fresh' | 'takeover', settled?: Negotiated): ChildProcess;
}

const SERVE = fileURLToPath(new URL('serve.js', import.meta.url));

/**
 * Mounts on a temporary folder; this process holds the mount and never uses it with synchronous calls. One cleaning
 * at the end of the test, in the only order that cannot hang: servers, mount, descriptor, folder.
 */
export async function testMount(context: TestContext, backedFd?: number): Promise<TestMount> {
  const point = mkdtempSync(join(tmpdir(), 'k2hft-fuse-'));
  const servers: ChildProcess[] = [];
  let fd: number | undefined;
  context.after(async () => {
    for (const server of servers) server.kill('SIGKILL');
    if (fd !== undefined) {
      await fuseUnmount(point, { lazy: true, force: true }).catch(() => undefined);
      closeSync(fd);
    }
    rmSync(point, { recursive: true, force: true });
  });
  const { fd: mounted } = await mountFuse(point, { subtype: 'k2hft-test' });
  fd = mounted;
  const negotiated = negotiate(mounted);
  const serve: TestMount['serve'] = (kind, start, settled = negotiated) => {
    const server = spawn(process.execPath, [SERVE, kind, JSON.stringify(settled), start], {
      stdio: ['ignore', 'inherit', 'inherit', mounted, ...(backedFd === undefined ? [] : [backedFd])],
    });
    servers.push(server);
    return server;
  };
  return { point, negotiated, serve };
}
