import { AdminServer, healthRoute, jsonRoute, metricsRoute, type Registry, type Route } from '@k2hft/admin';
import type { Log, ServerSettings } from '@k2hft/config';
import { ServerError } from './errors.js';
import { messageOf } from './errors.js';
import type { ServerCounters } from './server-counters.js';
import { healthOf, readinessOf } from './service-health.js';
import { serviceMetrics } from './service-metrics.js';
import type { ServiceStatus } from './service-status.js';

export interface Observed {
  status(): ServiceStatus;
  readonly counters: ServerCounters;
}

/** Opens the port for operators, if the settings name one. Throws ServerError when it cannot be listened on. */
export async function openAdmin(
  service: Observed,
  { listen, unhealthyAfterMs }: ServerSettings['admin'],
  log: Log,
): Promise<AdminServer | undefined> {
  if (listen === undefined) return undefined;
  const registry = serviceMetrics(() => ({ status: service.status(), counters: service.counters }));
  const server = new AdminServer({ listen, routes: routesOf(service, registry, unhealthyAfterMs), log });
  try {
    log('info', `admin: ${await server.listen()}`);
  } catch (error) {
    throw new ServerError('listen', messageOf(error), { cause: error });
  }
  return server;
}

function routesOf(service: Observed, registry: Registry, unhealthyAfterMs: number): Map<string, Route> {
  return new Map([
    ['/metrics', metricsRoute(registry)],
    ['/healthz', healthRoute(() => healthOf(service.status(), unhealthyAfterMs))],
    ['/readyz', healthRoute(() => readinessOf(service.status()))],
    ['/status', jsonRoute(() => service.status())],
  ]);
}
