import type { Tally } from '@k2hft/admin/tally';
import { printableName } from '@k2hft/config';
import { messageOf, ServerError } from './errors.js';
import { isNoRoom, type OutputFile } from './output-file.js';

/**
 * Brings the files' bytes to the disk. All are waited for, so that none is in use when one has failed. `seconds` gets the
 * time of each.
 */
export async function syncAll(files: ReadonlySet<OutputFile>, seconds: Pick<Tally, 'add'>): Promise<void> {
  const startedMs = performance.now();
  const results = await Promise.allSettled(
    [...files].map(async (file) => {
      await file.sync().catch((error: unknown) => {
        throw syncError(file, error);
      });
      seconds.add((performance.now() - startedMs) / 1000);
    }),
  );
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

function syncError(file: OutputFile, error: unknown): ServerError {
  const code = isNoRoom(error) ? 'sync_no_room' : 'sync_failed';
  return new ServerError(
    code,
    `fdatasync of ${printableName(file.name)} failed: ${messageOf(error)}; nobody knows which bytes are on the disk`,
    { cause: error },
  );
}
