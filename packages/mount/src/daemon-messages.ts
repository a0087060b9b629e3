/** What a daemon tells the command that started it, until it serves. */
export type DaemonMessage =
  | { type: 'ready' }
  /** A line of the log, as it is written there. */
  | { type: 'log'; line: string }
  /** It could not start. */
  | { type: 'failed'; message: string; status: number };

export function isDaemonMessage(message: unknown): message is DaemonMessage {
  return typeof message === 'object' && message !== null && 'type' in message;
}
