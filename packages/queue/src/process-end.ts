/*
 * How a process ends that may be writing to LMDB.
 *
 * process.exit() waits for Node's threads. A thread of lmdb-js 3.5 that carries out a transaction with a callback waits
 * for the main thread to run it, without end (writer.cpp, WaitForCallbacks). So a process that exits in that moment,
 * say for a fault, would stay for ever, and nobody would start it again.
 */

let transactionsUnderWay = 0;

/** To be called with each transaction that has a callback. Settles as the transaction does. */
export async function underWay<T>(transaction: Promise<T>): Promise<T> {
  transactionsUnderWay++;
  try {
    return await transaction;
  } finally {
    transactionsUnderWay--;
  }
}

/** Ends the process with this status, or by SIGKILL when it would not end otherwise. Both are safe at any time. */
export function endProcess(status: number): never {
  if (transactionsUnderWay > 0) process.kill(process.pid, 'SIGKILL');
  process.exit(status);
}
