import { printable } from '@k2hft/config';
import type { Listing, SourceOrder, SourceRow } from '../web/overview.js';
import type { SourceCounters } from './server-counters.js';
import { lagNow } from './web-lag.js';
import { byGreatest, byText, inOrder, listingOf } from './web-listing.js';
import type { Absence, Presence } from './web-presence.js';
import type { RateMeter } from './web-rates.js';

export interface SourceFacts {
  /** One for each connection. */
  connected: readonly Presence[];
  away: readonly Absence[];
  counters: ReadonlyMap<string, Readonly<SourceCounters>>;
  rates: RateMeter;
  nowMs: number;
}

/** Every source that is connected, or was a day ago. */
export function sourceRows({ connected, away, counters, rates, nowMs }: SourceFacts): SourceRow[] {
  const rowOf = (presence: Presence, isConnected: boolean, seenAtMs: number): SourceRow => {
    const { id, host, software, address, connectedAtMs, unacknowledgedBatches } = presence;
    const counted = counters.get(id);
    return {
      id,
      host: printable(host),
      software: printable(software),
      address,
      connectedAtMs: isConnected ? connectedAtMs : null,
      seenAtMs,
      lastAtMs: counted?.lastAtMs ?? null,
      lagMs: counted === undefined || !isConnected ? null : lagNow(counted, unacknowledgedBatches, nowMs),
      unacknowledgedBatches,
      rate: { ...rates.of(id) },
      totals: { records: counted?.records ?? 0, bytes: counted?.bytes ?? 0 },
    };
  };
  return [
    ...oneForEachSource(connected).map((presence) => rowOf(presence, true, nowMs)),
    ...away.map((absence) => rowOf({ ...absence, unacknowledgedBatches: 0 }, false, absence.seenAtMs)),
  ];
}

/** With any order, who is connected comes before who is away. */
export function listSources(rows: readonly SourceRow[], filter: string, by: SourceOrder): Listing<SourceRow> {
  const isConnected = byGreatest<SourceRow>(({ connectedAtMs }) => Number(connectedAtMs !== null));
  const orders: Record<SourceOrder, (a: SourceRow, b: SourceRow) => number> = {
    bytes: byGreatest(({ rate }) => rate.bytes),
    records: byGreatest(({ rate }) => rate.records),
    lag: byGreatest(({ lagMs }) => lagMs ?? -1),
    last: byGreatest(({ lastAtMs }) => lastAtMs ?? 0),
    host: () => 0,
  };
  const byHost = byText<SourceRow>(({ host }) => host);
  const byId = byText<SourceRow>(({ id }) => id);
  const texts = ({ host, id, address, software }: SourceRow): string[] => [host, id, address, software];
  return listingOf(rows, filter, texts, inOrder(isConnected, orders[by], byHost, byId));
}

/** A source that has just connected anew may have its old connection still. */
function oneForEachSource(presences: readonly Presence[]): Presence[] {
  const newest = new Map<string, Presence>();
  for (const presence of presences) {
    const other = newest.get(presence.id);
    if (other === undefined) {
      newest.set(presence.id, presence);
      continue;
    }
    const shown = other.connectedAtMs > presence.connectedAtMs ? other : presence;
    const unacknowledgedBatches = other.unacknowledgedBatches + presence.unacknowledgedBatches;
    newest.set(presence.id, { ...shown, unacknowledgedBatches });
  }
  return [...newest.values()];
}
