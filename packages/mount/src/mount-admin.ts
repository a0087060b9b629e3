import { AdminServer, healthRoute, metricsRoute } from '@k2hft/admin';
import type { Log, MountSettings } from '@k2hft/config';
import { healthOf, readinessOf } from './mount-health.js';
import { mountMetrics } from './mount-metrics.js';
import type { MountStatus } from './mount-status-content.js';

/**
 * Opens the port for operators. A mount without it is better than none: an address that is taken is an error in the log,
 * and tried no more.
 */
export async function openAdmin(
  listen: NonNullable<MountSettings['admin']['listen']>,
  unhealthyAfterMs: () => number,
  status: () => MountStatus,
  log: Log,
): Promise<AdminServer> {
  const routes = new Map([
    ['/metrics', metricsRoute(mountMetrics(status))],
    ['/healthz', healthRoute(() => healthOf(status(), unhealthyAfterMs()))],
    ['/readyz', healthRoute(() => readinessOf(status()))],
  ]);
  const server = new AdminServer({ listen, routes, log });
  try {
    log('info', `admin: ${await server.listen()}`);
  } catch (error) {
    log('error', (error as Error).message);
  }
  return server;
}
