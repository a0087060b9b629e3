import type { TestContext } from 'node:test';
import { undoAtEnd } from '@k2hft/test-harness';
import { Forwarder, type ForwarderOptions, type ForwarderServers, type Tuning } from '../../src/index.js';
import type { MemoryQueue } from './memory-queue.js';

/** For what must not happen in a test, however long the machine stands still. A timer can wait for so long. */
export const NEVER_MS = 3_600_000;

/** Tests do not wait for attempts to connect, and nothing is given up that they do not want to be given up. */
export const TUNING: Partial<Tuning> = {
  backoffMinMs: 5,
  backoffMaxMs: 50,
  handshakeTimeoutMs: NEVER_MS,
  silentAfterMs: NEVER_MS,
  ackTimeoutMs: NEVER_MS,
  loopRetryMs: NEVER_MS,
};

export interface TestForwarder {
  forwarder: Forwarder;
  /** Lines "level: message". */
  logged: string[];
}

export function settings(urls: string[], changed: Partial<ForwarderServers> = {}): ForwarderServers {
  return {
    deliver: 'failover',
    urls,
    failoverAfterMs: NEVER_MS,
    tokenFile: undefined,
    tls: undefined,
    compression: 'none',
    lingerMs: 0,
    lingerRecords: 0,
    ...changed,
  };
}

export function startForwarder(
  context: TestContext,
  queue: MemoryQueue,
  servers: ForwarderServers,
  changed: Partial<ForwarderOptions> = {},
): TestForwarder {
  const logged: string[] = [];
  const forwarder = new Forwarder({
    queue,
    servers,
    host: 'test',
    software: 'k2hft test',
    log: (level, message) => logged.push(`${level}: ${message}`),
    ...changed,
    tuning: { ...TUNING, ...changed.tuning },
  });
  undoAtEnd(context, () => forwarder.stop(0));
  forwarder.start();
  return { forwarder, logged };
}

/** The payloads "0", "1", … that `fill` put into a queue. */
export function numbers(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, index) => String(from + index));
}
