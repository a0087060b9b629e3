/** What the forwarder tells the supervisor. */
export type ForwarderMessage =
  /** It has opened the queue and serves. */
  | { type: 'up' }
  /** Batches were acknowledged, or a checkpoint was finished. */
  | { type: 'progress' };

/** What the supervisor tells the forwarder. */
export type SupervisorMessage =
  /** The process that serves the mount now: to be ended if the supervisor dies. */
  | { type: 'worker'; pid: number }
  /** The mount has answered; told once a second. How often each process was started again. */
  | { type: 'answered'; restarts: { worker: number; forwarder: number } }
  /** Deliver what can be delivered within `graceMs`, then end. */
  | { type: 'stop'; graceMs: number };

export function isForwarderMessage(message: unknown): message is ForwarderMessage {
  return isTyped(message) && (message.type === 'up' || message.type === 'progress');
}

export function isSupervisorMessage(message: unknown): message is SupervisorMessage {
  return (
    isTyped(message) && (message.type === 'worker' || message.type === 'answered' || message.type === 'stop')
  );
}

function isTyped(message: unknown): message is { type: unknown } {
  return typeof message === 'object' && message !== null && 'type' in message;
}
