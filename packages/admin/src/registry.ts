import { collectDefaultMetrics, Registry } from 'prom-client';

/** A registry that tells already what every Node process tells: memory, processor time, the event loop's delay. */
export function processRegistry(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return registry;
}
