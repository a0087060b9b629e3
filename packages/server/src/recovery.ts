import { closeSync, fstatSync, fsyncSync, ftruncateSync } from 'node:fs';
import { isLasting } from './file-identity.js';
import type { FileRecord } from './output-file.js';
import type { OutputTree } from './output-tree.js';
import { parseRotated } from './rotate-name.js';
import { printableName, type Log } from '@k2hft/config';
import type { State } from './state.js';

/**
 * Cuts every recorded file back to its recorded length. What lies beyond was appended by a server that died before it
 * had committed and acknowledged it: it comes again from its source. A file that was renamed in its directory is found and cut
 * as well; the record of one that is no longer there under its own name is removed. One that was rotated is remembered as
 * such. No source may be connected yet.
 */
export async function recover(tree: OutputTree, state: State, log: Log): Promise<void> {
  const gone: string[] = [];
  const rotated: [identity: string, name: string][] = [];
  for (const [identity, record] of state.files()) {
    // Without a time of birth, a file elsewhere with the same inode number may be somebody else's.
    const found = tree.findFile(record.name, identity, isLasting(identity));
    if (found === undefined) {
      log('debug', `${printableName(record.name)} is not there any more`);
      gone.push(identity);
      continue;
    }
    try {
      cutBack(found.fd, found.name, record, log);
    } finally {
      closeSync(found.fd);
    }
    if (isRotated(record.name, found.name)) rotated.push([identity, record.name]);
    else if (found.name !== record.name) gone.push(identity);
  }
  if (gone.length + rotated.length > 0) await state.commit({ forget: gone, rotated });
}

function isRotated(name: string, foundName: string): boolean {
  const start = name.lastIndexOf('/') + 1;
  return parseRotated(name.slice(start), foundName.slice(start)) !== undefined;
}

function cutBack(fd: number, name: string, record: FileRecord, log: Log): void {
  const { size } = fstatSync(fd);
  if (size > record.length) {
    ftruncateSync(fd, record.length);
    fsyncSync(fd);
    log(
      'info',
      `cut ${printableName(name)} back by ${size - record.length} bytes that were not acknowledged`,
    );
  } else if (size < record.length) {
    log(
      'warn',
      `${printableName(name)} is ${record.length - size} bytes shorter than it was: somebody has cut it`,
    );
  }
}
