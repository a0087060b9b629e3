import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { waitUntil, whyNotInstalled } from '@k2hft/test-harness';
import { fileURLToPath } from 'node:url';
import {
  findMount,
  fuseUnmount,
  mountFuse,
  negotiate,
  whyNoNativeDriver,
  type Negotiated,
} from '../src/index.js';

export type FileSystemKind = 'memory' | 'memory-direct' | 'backed' | 'backed-parking';

/** Why tests with real mounts cannot run here, or false. To be given to a test as its `skip`. */
export function whyNoMount(): string | false {
  if (process.getuid?.() !== 0) return 'mounting needs root';
  return existsSync('/dev/fuse') ? false : 'there is no /dev/fuse';
}

export type Driver = 'kernel' | 'fuse-native';

/** The drivers that the same tests are run with, and why one of them cannot be tried here. */
export function drivers(): { driver: Driver; skip: string | false }[] {
  const noMount = whyNoMount();
  const isThere = () => whyNoNativeDriver() === undefined;
  const noNative =
    noMount === false && (whyNotInstalled('libfuse 2', isThere, 'libfuse2', 'fuse3') ?? noMount);
  return [
    { driver: 'kernel', skip: noMount },
    { driver: 'fuse-native', skip: noMount === false ? noNative : noMount },
  ];
}

/** A mount that a process serves through a driver. */
export async function servedMount(
  context: TestContext,
  driver: Driver,
  kind: FileSystemKind,
): Promise<{ readonly point: string }> {
  if (driver === 'kernel') {
    const { point, serve } = await testMount(context);
    serve(kind, 'fresh');
    return { point };
  }
  const point = mkdtempSync(join(tmpdir(), 'k2hft-fuse-'));
  const server = spawn(process.execPath, [SERVE, kind, point, 'native'], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  context.after(async () => {
    server.kill('SIGKILL');
    await fuseUnmount(point, { lazy: true, force: true }).catch(() => undefined);
    rmSync(point, { recursive: true, force: true });
  });
  await waitUntil('it is mounted', async () => (await findMount(point))?.state === 'answers');
  return { point };
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
