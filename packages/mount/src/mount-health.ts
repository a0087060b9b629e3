import type { Health } from '@k2hft/admin';
import { printable } from '@k2hft/config';
import type { MountStatus } from './mount-status-content.js';

type Facts = Pick<MountStatus, 'answeredAgoMs' | 'queue' | 'servers'> & {
  worker: Pick<NonNullable<MountStatus['worker']>, 'isFull'> | undefined;
};

/** It is asked every second, and replaced when it has not answered for ten. */
const SILENT_MAX_MS = 5_000;

/** Health is progress: programs are served, and what they wrote arrives before it is older than `limitMs`. */
export function healthOf(facts: Facts, limitMs: number, nowMs = Date.now()): Health {
  const silence = silenceOf(facts);
  if (silence !== undefined) return silence;
  if (facts.worker?.isFull === true) return unwell('the queue is full: writes wait, fail or are dropped');
  for (const [cursor, { oldestMs }] of Object.entries(facts.queue.cursors)) {
    const ageMs = oldestMs === undefined ? 0 : nowMs - oldestMs;
    if (ageMs > limitMs)
      return unwell(`records of ${seconds(ageMs)} ago are not delivered to "${printable(cursor)}"`);
  }
  return { ok: true, reason: 'what is written is delivered' };
}

/** Ready: what a program writes now is taken, and goes to a server or has room in the queue. */
export function readinessOf(facts: Facts): Health {
  const silence = silenceOf(facts);
  if (silence !== undefined) return silence;
  const isConnected = facts.servers.some(({ state }) => state === 'up');
  if (facts.worker?.isFull === true && !isConnected)
    return unwell('the queue is full, and no server is connected');
  return { ok: true, reason: isConnected ? 'a server is connected' : 'what is written is queued' };
}

function silenceOf({ answeredAgoMs }: Facts): Health | undefined {
  if (answeredAgoMs <= SILENT_MAX_MS) return undefined;
  return unwell(`the mount has not answered for ${seconds(answeredAgoMs)}`);
}

function unwell(reason: string): Health {
  return { ok: false, reason };
}

function seconds(durationMs: number): string {
  return `${Math.round(durationMs / 1000)} s`;
}
