import type { MountSettings } from '@k2hft/config';

/** What the forwarder tells the supervisor. */
export type ForwarderMessage =
  /** It has opened the queue and serves. */
  | { type: 'up' }
  /** Batches were acknowledged, or a checkpoint was finished. */
  | { type: 'progress' }
  /** The settings that it was told last are in force. */
  | { type: 'changed' };

/** What the supervisor tells the forwarder. */
export type SupervisorMessage =
  /** The process that serves the mount now: to be ended if the supervisor dies. */
  | { type: 'worker'; pid: number }
  /** The mount has answered; told once a second. How often each process was started again. */
  | { type: 'answered'; restarts: { worker: number; forwarder: number } }
  /** Deliver what can be delivered within `graceMs`, then end. */
  | { type: 'stop'; graceMs: number }
  /** Other settings, which differ in nothing that cannot change. */
  | { type: 'settings'; settings: MountSettings };

export function isForwarderMessage(message: unknown): message is ForwarderMessage {
  return (
    isTyped(message) && (message.type === 'up' || message.type === 'progress' || message.type === 'changed')
  );
}

export function isSupervisorMessage(message: unknown): message is SupervisorMessage {
  return isTyped(message) && ['worker', 'answered', 'stop', 'settings'].includes(String(message.type));
}

function isTyped(message: unknown): message is { type: unknown } {
  return typeof message === 'object' && message !== null && 'type' in message;
}
