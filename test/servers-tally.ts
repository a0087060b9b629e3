import { createReadStream, existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { WriterReport } from './numbered-writer.js';

/** What the files of several servers hold, together, of what writers have written. */
export interface ServersTally {
  /** By server, in order. */
  lines: number[];
  /** Lines that a server does not have, by server. */
  missing: number[];
  /** Lines that no server has. */
  lost: number;
  /** Lines that are on one more server, for each such server. */
  doubled: number;
  /** Lines that are on one server twice. */
  repeated: number;
  /** Lines that came to a server behind a later one of the same writer. */
  disordered: number;
  /** Lines that no writer has written like this. */
  foreign: number;
}

/**
 * @param outputs each server's output folder, at most eight
 * @param reports of writers with different names
 */
export async function tallyServers(
  outputs: readonly string[],
  reports: readonly WriterReport[],
): Promise<ServersTally> {
  const seen = new Map(reports.map(({ name, lines }) => [name, new Uint8Array(lines + 1)]));
  const tally: ServersTally = {
    lines: outputs.map(() => 0),
    missing: outputs.map(() => 0),
    lost: 0,
    doubled: 0,
    repeated: 0,
    disordered: 0,
    foreign: 0,
  };
  for (const [server, output] of outputs.entries()) {
    const latest = new Map<string, number>();
    for (const file of new Set(reports.map(({ file }) => join(output, basename(file))))) {
      if (!existsSync(file)) continue;
      for await (const text of createInterface({ input: createReadStream(file) })) {
        const [name = '', numberText = ''] = text.split(' ', 2);
        const servers = seen.get(name);
        const number = Number(numberText);
        const before = servers?.[number];
        tally.lines[server] = (tally.lines[server] ?? 0) + 1;
        if (servers === undefined || before === undefined || number < 1) {
          tally.foreign++;
          continue;
        }
        const last = latest.get(name) ?? 0;
        if ((before & (1 << server)) !== 0) tally.repeated++;
        else if (number < last) tally.disordered++;
        latest.set(name, Math.max(last, number));
        servers[number] = before | (1 << server);
      }
    }
  }
  for (const servers of seen.values()) {
    for (const mask of servers.subarray(1)) {
      const count = outputs.filter((_, server) => (mask & (1 << server)) !== 0).length;
      if (count === 0) tally.lost++;
      else tally.doubled += count - 1;
      for (const server of outputs.keys())
        if ((mask & (1 << server)) === 0) tally.missing[server] = (tally.missing[server] ?? 0) + 1;
    }
  }
  return tally;
}
