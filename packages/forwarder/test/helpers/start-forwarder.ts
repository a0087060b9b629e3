import type { TestContext } from 'node:test';
import { Forwarder, type ForwarderOptions, type ForwarderServers, type Tuning } from '../../src/index.js';
import type { MemoryQueue } from './memory-queue.js';

/** Short, so that tests do not wait; long enough for a busy machine where a test depends on nothing happening. */
const QUICK: Partial<Tuning> = { backoffMinMs: 5, backoffMaxMs: 50 };

export interface TestForwarder {
  forwarder: Forwarder;
  /** Lines "level: message". */
  logged: string[];
}

export function settings(urls: string[], changed: Partial<ForwarderServers> = {}): ForwarderServers {
  return {
    deliver: 'failover',
    urls,
    failoverAfterMs: 60_000,
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
    tuning: { ...QUICK, ...changed.tuning },
  });
  context.after(() => forwarder.stop(0));
  forwarder.start();
  return { forwarder, logged };
}

/** The payloads "0", "1", … that `fill` put into a queue. */
export function numbers(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, index) => String(from + index));
}
