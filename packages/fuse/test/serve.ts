/**
 * Serves a test's mount, in a process of its own: the descriptor of the mount is number 3. Arguments: the file
 * system (`memory`, `memory-direct`, `backed`, `backed-parking`), what negotiate() returned as JSON, `fresh` or `takeover`. A `backed`
 * file system finds its file as descriptor 4. With `native`, it mounts by itself, through the second driver, at the
 * folder that is given in place of the JSON.
 */
import { FuseSession, NativeSession, type FuseOperations, type Negotiated } from '../src/index.js';
import { BackedFileSystem } from './backed-file-system.js';
import { MemoryFileSystem } from './memory-file-system.js';

const MOUNT_FD = 3;
const BACKED_FD = 4;

function serve(kind: string, negotiated: Negotiated, takeover: boolean): void {
  const memory = kind.startsWith('backed') ? undefined : new MemoryFileSystem(kind === 'memory-direct');
  const operations: FuseOperations = memory ?? new BackedFileSystem(BACKED_FD, kind === 'backed-parking');
  const session = new FuseSession({ fd: MOUNT_FD, operations, negotiated });
  if (memory !== undefined) memory.replies = session;
  if (takeover) session.resend();
  session.run();
}

async function serveNatively(point: string): Promise<void> {
  const operations = new MemoryFileSystem(false);
  const session = new NativeSession({ point, operations, subtype: 'k2hft-test' });
  operations.replies = session;
  await session.mount();
}

// The test runner loads every file of this folder, without arguments.
const [kind, negotiated, start] = process.argv.slice(2);
if (start === 'native') {
  await serveNatively(negotiated ?? '');
} else if (kind !== undefined && negotiated !== undefined) {
  serve(kind, JSON.parse(negotiated) as Negotiated, start === 'takeover');
}
