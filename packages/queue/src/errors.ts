/** What a caller may want to tell apart. */
export type QueueErrorCode =
  /** The disk is full: nothing was changed. */
  | 'no_space'
  /** Too little room on the disk to open a database safely. */
  | 'no_room'
  /** A file of the queue is not what was written. */
  | 'damaged'
  /** Another process has this queue. */
  | 'locked'
  /** The store or the state could not be written. */
  | 'store_failed'
  /** The disk answered with another error. */
  | 'io'
  /** There is no queue in this directory. */
  | 'no_queue';

export class QueueError extends Error {
  override readonly name = 'QueueError';

  constructor(
    readonly code: QueueErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The `code` of an error of the system or of LMDB, whatever its type. */
export function errorCode(error: unknown): string | number | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  const { code } = error;
  return typeof code === 'string' || typeof code === 'number' ? code : undefined;
}
