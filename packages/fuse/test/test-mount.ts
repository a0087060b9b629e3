import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { fuseUnmount, mountFuse, negotiate, type Negotiated } from '../src/index.js';

export type FileSystemKind = 'memory' | 'memory-direct' | 'backed' | 'backed-parking';

/** Why tests with real mounts cannot run here, or false. To be given to a test as its `skip`. */
export function whyNoMount(): string | false {
  if (process.getuid?.() !== 0) return 'mounting needs root';
  return existsSync('/dev/fuse') ? false : 'there is no /dev/fuse';
}

export interface TestMount {
  readonly point: string;
  readonly fd: number;
  readonly negotiated: Negotiated;
  /** Starts another process that serves the mount, in place of one that has died. */
  readonly serve: (kind: FileSystemKind, start: 'fresh' | 'takeover', settled?: Negotiated) => ChildProcess;
}

const SERVE = fileURLToPath(new URL('serve.js', import.meta.url));

/**
 * Mounts on a temporary folder; this process holds the mount and never uses it with synchronous calls. One cleaning
 * at the end of the test, in the only order that cannot hang: servers, mount, descriptor, folder.
 */
export async function testMount(context: TestContext, backedFd?: number): Promise<TestMount> {
  const point = mkdtempSync(join(tmpdir(), 'k2hft-fuse-'));
  const servers: ChildProcess[] = [];
  const held: number[] = [];
  context.after(async () => {
    for (const server of servers) server.kill('SIGKILL');
    for (const fd of held) {
      await fuseUnmount(point, { lazy: true, force: true }).catch(() => undefined);
      closeSync(fd);
    }
    rmSync(point, { recursive: true, force: true });
  });
  const { fd } = await mountFuse(point, { subtype: 'k2hft-test' });
  held.push(fd);
  const negotiated = negotiate(fd);
  const serve: TestMount['serve'] = (kind, start, settled = negotiated) => {
    const server = spawn(process.execPath, [SERVE, kind, JSON.stringify(settled), start], {
      stdio: ['ignore', 'inherit', 'inherit', fd, ...(backedFd === undefined ? [] : [backedFd])],
    });
    servers.push(server);
    return server;
  };
  return { point, fd, negotiated, serve };
}
