import { hostname } from 'node:os';
import { printable, shownUrl } from '@k2hft/config';
import type { History, Overview, Rate, Series, SourceRow } from '../web/overview.js';
import type { ServerCounters } from './server-counters.js';
import type { ServiceStatus } from './service-status.js';
import { listFiles } from './web-files.js';
import { RateHistory, type Point } from './web-history.js';
import type { AwaySources, Presence } from './web-presence.js';
import { parseHistoryQuery, parseOverviewQuery } from './web-query.js';
import { RateMeter } from './web-rates.js';
import { listSources, sourceRows } from './web-sources.js';

/** A quarter of an hour, with a point for each second pixel of a small chart. */
const STEP_MS = 5000;
const POINTS = 180;

/** Sources with a history of their own: some 500 kB in all. */
const KEPT_MAX = 200;

/** More lines than that cannot be told apart. */
const BUSIEST_SHOWN = 6;

/** The key of everything together. */
const TOTAL = 'total';

/** What the page shows of a server. */
export interface Watched {
  status(): ServiceStatus;
  readonly counters: ServerCounters;
  /** The connections of sources that have said hello. */
  presences(): Presence[];
  readonly away: AwaySources;
  /** Where the output files are; undefined: there are none. */
  readonly outputDirectory: string | undefined;
}

/** Remembers the last minutes of a server, and answers what its page asks for. */
export class WebWatch {
  readonly #watched: Watched;
  readonly #total = new RateMeter();
  readonly #sources = new RateMeter();
  readonly #files = new RateMeter();
  readonly #history = new RateHistory(POINTS, KEPT_MAX);
  readonly #timer: NodeJS.Timeout;

  /** @param stepMs the distance of the points in time */
  constructor(watched: Watched, stepMs = STEP_MS) {
    this.#watched = watched;
    this.#read();
    this.#timer = setInterval(() => {
      this.#read();
      this.#remember();
    }, stepMs).unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** @param url with the wishes in its query */
  async overview(url: string): Promise<Overview> {
    const { sourceFilter, sourcesBy, fileFilter, filesBy } = parseOverviewQuery(url);
    const { counters, outputDirectory } = this.#watched;
    const status = this.#watched.status();
    const rows = this.#rows();
    const connected = rows.filter(({ connectedAtMs }) => connectedAtMs !== null);
    return {
      ...generalOf(status),
      rate: { ...this.#total.of(TOTAL) },
      sourcesConnected: connected.length,
      sourcesAway: rows.length - connected.length,
      lag: greatestLag(connected),
      sources: listSources(rows, sourceFilter, sourcesBy),
      files:
        outputDirectory === undefined
          ? null
          : await listFiles(outputDirectory, [...counters.files()], this.#files, fileFilter, filesBy),
      relay: relayOf(status),
    };
  }

  /** @param url with the source in its query, when only one is wanted */
  history(url: string): History {
    const wanted = parseHistoryQuery(url);
    const hosts = new Map(this.#rows().map(({ id, host }) => [id, host]));
    const ids = wanted === undefined ? this.#history.busiest(BUSIEST_SHOWN) : [wanted];
    return {
      timesSeconds: this.#history.timesSeconds(),
      total: this.#history.total(),
      sources: ids.flatMap((id): (Series & { id: string; host: string })[] => {
        const series = this.#history.of(id);
        return series === undefined ? [] : [{ id, host: hosts.get(id) ?? '', ...series }];
      }),
    };
  }

  #rows(): SourceRow[] {
    const { counters, away } = this.#watched;
    const nowMs = Date.now();
    const connected = this.#watched.presences();
    return sourceRows({
      connected,
      away: away.list(new Set(connected.map(({ id }) => id)), nowMs),
      counters: new Map([...counters.sources()].map((source) => [source.uuid, source])),
      rates: this.#sources,
      nowMs,
    });
  }

  #read(): void {
    const { counters } = this.#watched;
    const nowMs = performance.now();
    this.#total.read(nowMs, [[TOTAL, counters]]);
    this.#sources.read(
      nowMs,
      [...counters.sources()].map((source) => [source.uuid, source]),
    );
    this.#files.read(
      nowMs,
      [...counters.files()].map((file) => [file.name, file]),
    );
  }

  #remember(): void {
    const rows = this.#rows();
    const active = new Map<string, Point>();
    for (const { id, rate, lagMs } of rows) {
      if (rate.bytes > 0 || lagMs !== null) active.set(id, { ...rate, lagSeconds: secondsOf(lagMs) });
    }
    const lagSeconds = secondsOf(greatestLag(rows)?.ms ?? null);
    this.#history.add(Date.now() / 1000, { ...this.#total.of(TOTAL), lagSeconds }, active);
  }
}

type General = Omit<
  Overview,
  'rate' | 'sourcesConnected' | 'sourcesAway' | 'lag' | 'sources' | 'files' | 'relay'
>;

/** What the status says already. */
function generalOf(status: ServiceStatus): General {
  const { atMs, startedAtMs, software, url, blocked, totals, connections, unsafeBytes, complaints } = status;
  const total: Rate = { records: totals.records, bytes: totals.bytes };
  return {
    atMs,
    startedAtMs,
    software,
    host: printable(hostname()),
    url,
    blocked: blocked === undefined ? null : { reason: printable(blocked.reason), forMs: blocked.forMs },
    totals: total,
    connections: { open: connections.open, max: connections.max },
    unsafeBytes,
    problems: complaints.map(({ atMs: at, level, message }) => ({ atMs: at, level, message })),
  };
}

function relayOf({ relay }: ServiceStatus): Overview['relay'] {
  if (relay === undefined) return null;
  return {
    queues: Object.entries(relay.queue.cursors).map(([name, { batches, records, bytes, oldestMs }]) => ({
      name: shownUrl(name),
      batches,
      records,
      bytes,
      oldestAtMs: oldestMs ?? null,
    })),
    servers: relay.servers.map((server) => ({
      url: shownUrl(server.url),
      state: server.state,
      software: server.software === undefined ? null : printable(server.software),
      sinceMs: server.sinceMs,
      inFlightBatches: server.inFlight.batches,
      rate: { records: server.rate.recordsPerSecond, bytes: server.rate.bytesPerSecond },
      lastError:
        server.lastError === undefined
          ? null
          : { message: printable(server.lastError.message), atMs: server.lastError.atMs },
    })),
  };
}

function secondsOf(durationMs: number | null): number {
  return durationMs === null ? NaN : durationMs / 1000;
}

function greatestLag(rows: readonly SourceRow[]): Overview['lag'] {
  let greatest: Overview['lag'] = null;
  for (const { lagMs, host } of rows) {
    if (lagMs !== null && lagMs > (greatest?.ms ?? -1)) greatest = { ms: lagMs, host };
  }
  return greatest;
}
