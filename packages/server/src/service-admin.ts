import { AdminServer, healthRoute, jsonRoute, metricsRoute, type Registry, type Route } from '@k2hft/admin';
import type { Log, ServerSettings } from '@k2hft/config';
import { ServerError } from './errors.js';
import { messageOf } from './errors.js';
import { healthOf, readinessOf } from './service-health.js';
import { serviceMetrics } from './service-metrics.js';
import { webRoutes } from './web-routes.js';
import { WebWatch, type Watched } from './web-watch.js';

/** Opens the port for operators, if the settings name one. Throws ServerError when it cannot be listened on. */
export async function openAdmin(
  service: Watched,
  { listen, unhealthyAfterMs }: ServerSettings['admin'],
  log: Log,
): Promise<{ close(): Promise<void> } | undefined> {
  if (listen === undefined) return undefined;
  const registry = serviceMetrics(() => ({ status: service.status(), counters: service.counters }));
  const watch = new WebWatch(service);
  const routes = new Map([...webRoutes(watch), ...routesOf(service, registry, unhealthyAfterMs)]);
  const server = new AdminServer({ listen, routes, log });
  try {
    log('info', `admin: ${await server.listen()}`);
  } catch (error) {
    watch.close();
    throw new ServerError('listen', messageOf(error), { cause: error });
  }
  return {
    async close() {
      watch.close();
      await server.close();
    },
  };
}

function routesOf(service: Watched, registry: Registry, unhealthyAfterMs: number): Map<string, Route> {
  return new Map([
    ['/metrics', metricsRoute(registry)],
    ['/healthz', healthRoute(() => healthOf(service.status(), unhealthyAfterMs))],
    ['/readyz', healthRoute(() => readinessOf(service.status()))],
    ['/status', jsonRoute(() => service.status())],
  ]);
}
