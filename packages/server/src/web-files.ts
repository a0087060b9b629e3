import { lstat } from 'node:fs/promises';
import { printableName } from '@k2hft/config';
import type { FileOrder, FileRow, Listing } from '../web/overview.js';
import type { FileCounters } from './server-counters.js';
import { byGreatest, byText, inOrder, listingOf } from './web-listing.js';
import type { RateMeter } from './web-rates.js';

/** The files that were written since the server was started; their sizes are asked of the file system. */
export async function listFiles(
  directory: string,
  files: readonly Readonly<FileCounters>[],
  rates: RateMeter,
  filter: string,
  by: FileOrder,
): Promise<Listing<FileRow>> {
  const orders: Record<FileOrder, (a: FileCounters, b: FileCounters) => number> = {
    bytes: byGreatest(({ name }) => rates.of(name).bytes),
    records: byGreatest(({ name }) => rates.of(name).records),
    last: byGreatest(({ lastAtMs }) => lastAtMs),
    name: () => 0,
  };
  const byName = byText<FileCounters>(({ name }) => name);
  const texts = ({ name }: FileCounters): string[] => [printableName(name)];
  const listing = listingOf(files, filter, texts, inOrder(orders[by], byName));
  const rows = await Promise.all(
    listing.rows.map(async ({ name, lastAtMs }): Promise<FileRow> => ({
      name: printableName(name),
      sizeBytes: await sizeOf(directory, name),
      lastAtMs,
      rate: { ...rates.of(name) },
    })),
  );
  return { ...listing, rows };
}

/** Null: it was renamed or removed, or cannot be seen. */
async function sizeOf(directory: string, name: string): Promise<number | null> {
  const path = Buffer.concat([Buffer.from(`${directory}/`), Buffer.from(name, 'latin1')]);
  try {
    return (await lstat(path)).size;
  } catch {
    return null;
  }
}
