export { AdminServer, type AdminServerOptions, type Route } from './admin-server.js';
export { AdminError, type AdminErrorCode } from './errors.js';
export { processRegistry } from './registry.js';
export { healthRoute, jsonRoute, metricsRoute, type Health } from './routes.js';
export { sendText } from './send-text.js';
export {
  SnapshotMetrics,
  type HistogramSample,
  type MetricDefinition,
  type Sample,
} from './snapshot-metrics.js';
export type { Registry } from 'prom-client';
export { addTransportMetrics, type TransportFigures } from './transport-metrics.js';
