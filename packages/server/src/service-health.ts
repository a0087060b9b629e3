import type { Health } from '@k2hft/admin';
import { printable } from '@k2hft/config';
import type { ServiceStatus } from './service-status.js';

type Facts = Pick<ServiceStatus, 'blocked' | 'savingMs' | 'applies' | 'relay'>;

/**
 * Health is progress: what arrives becomes safe. A server that was blocked for a moment, such as by a full disk, is
 * healthy; one that has been for longer than `limitMs` needs an operator.
 */
export function healthOf({ blocked, savingMs, relay }: Facts, limitMs: number, nowMs = Date.now()): Health {
  if (blocked !== undefined && blocked.forMs > limitMs)
    return unwell(`nothing was acknowledged for ${seconds(blocked.forMs)}: ${printable(blocked.reason)}`);
  if (savingMs !== undefined && savingMs > limitMs)
    return unwell(`what arrived has not become safe for ${seconds(savingMs)}: the disk does not answer`);
  for (const [cursor, { oldestMs }] of Object.entries(relay?.queue.cursors ?? {})) {
    const ageMs = oldestMs === undefined ? 0 : nowMs - oldestMs;
    if (ageMs > limitMs)
      return unwell(`the relay's queue has records of ${seconds(ageMs)} ago for "${printable(cursor)}"`);
  }
  return { ok: true, reason: 'what arrives becomes safe' };
}

/** Ready: what a source sends now is taken and acknowledged. */
export function readinessOf({ blocked, applies }: Facts): Health {
  if (!applies) return unwell('the files are being brought in order');
  if (blocked !== undefined) return unwell(printable(blocked.reason));
  return { ok: true, reason: 'batches are taken' };
}

function unwell(reason: string): Health {
  return { ok: false, reason };
}

function seconds(durationMs: number): string {
  return `${Math.round(durationMs / 1000)} s`;
}
