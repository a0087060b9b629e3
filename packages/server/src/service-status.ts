import { printable, printableName, shownUrl } from '@k2hft/config';
import type { Applier } from './applier.js';
import type { BlockageCause } from './blockage.js';
import type { Complaint } from './recent-complaints.js';
import type { RefusalReason } from './refusal-reason.js';
import type { FileCounters, ServerCounters, SourceCounters } from './server-counters.js';
import type { PluginFigures, RelayFigures, SinkFigures } from './sink.js';

/** Sources and files that are listed, the last active first. What is beyond is counted in the totals. */
const LISTED_MAX = 100;

/** What a server tells of itself: plain data, without secrets. Durations in milliseconds, `...AtMs` since 1970. */
export interface ServiceStatus {
  software: string;
  url: string;
  startedAtMs: number;
  atMs: number;
  /** Why nothing is acknowledged, and for how long. */
  blocked: { reason: string; causes: BlockageCause[]; forMs: number } | undefined;
  /** How long the group that is being made safe is on its way; undefined when there is none. */
  savingMs: number | undefined;
  /** Whether an applier is there: not while files are cut back after a fault of the disk. */
  applies: boolean;
  gate: { isOpen: boolean; closedMs: number };
  unsafeBytes: number;
  connections: {
    open: number;
    max: number;
    accepted: number;
    refused: number;
    /** How many of the refused, by reason. */
    refusals: Record<RefusalReason, number>;
  };
  totals: {
    batches: number;
    records: number;
    bytes: number;
    repeats: number;
    appendedBytes: number;
    quarantined: number;
    rotations: number;
  };
  sourceCount: number;
  sources: (SourceCounters & { connections: number })[];
  fileCount: number;
  openFiles: number;
  files: FileCounters[];
  relay: RelayFigures | undefined;
  plugin: PluginFigures | undefined;
  complaints: Complaint[];
}

export interface ServiceFacts {
  software: string;
  url: string;
  startedAtMs: number;
  counters: ServerCounters;
  applier: Applier | undefined;
  blockedAtMs: number;
  isGateOpen: boolean;
  openConnections: number;
  maxConnections: number;
  sinks: SinkFigures;
  complaints: Complaint[];
}

export function statusOf(facts: ServiceFacts): ServiceStatus {
  const { counters, applier } = facts;
  const { batches, records, bytes, repeats, appendedBytes, quarantined, rotations } = counters;
  const sources = [...counters.sources()];
  const files = [...counters.files()];
  return {
    software: facts.software,
    url: shownUrl(facts.url),
    startedAtMs: facts.startedAtMs,
    atMs: Date.now(),
    blocked: blockedOf(facts),
    savingMs: applier?.savingMs,
    applies: applier !== undefined,
    gate: { isOpen: facts.isGateOpen, closedMs: counters.gateClosedMs },
    unsafeBytes: applier?.unsafeBytes ?? 0,
    connections: {
      open: facts.openConnections,
      max: facts.maxConnections,
      accepted: counters.connectionsAccepted,
      refused: Object.values(counters.refusals).reduce((sum, count) => sum + count, 0),
      refusals: { ...counters.refusals },
    },
    totals: { batches, records, bytes, repeats, appendedBytes, quarantined, rotations },
    sourceCount: applier?.sourceCount ?? 0,
    sources: lastActive(sources).map((source) => ({
      ...source,
      host: printable(source.host),
      connections: applier?.connectionsOf(source.uuid) ?? 0,
    })),
    fileCount: files.length,
    openFiles: applier?.openFileCount ?? 0,
    files: lastActive(files).map((file) => ({ ...file, name: printableName(file.name) })),
    relay: facts.sinks.relay,
    plugin: facts.sinks.plugin,
    complaints: facts.complaints,
  };
}

function blockedOf({ applier, blockedAtMs }: ServiceFacts): ServiceStatus['blocked'] {
  const reason = applier?.blockedReason;
  if (applier === undefined || reason === undefined) return undefined;
  return { reason, causes: [...applier.blockedCauses], forMs: performance.now() - blockedAtMs };
}

function lastActive<T extends { lastAtMs: number | undefined; bytes: number }>(all: T[]): T[] {
  const sorted = all.sort((a, b) => (b.lastAtMs ?? 0) - (a.lastAtMs ?? 0) || b.bytes - a.bytes);
  return sorted.slice(0, LISTED_MAX);
}
