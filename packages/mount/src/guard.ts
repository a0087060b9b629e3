import { Worker } from 'node:worker_threads';

/**
 * Ends this process when the other end of the socket `fd` is closed, which happens when the supervisor dies. The
 * worker's own thread is blocked in a read of /dev/fuse and would notice nothing, so a thread of its own watches. SIGKILL is safe: a
 * worker may be killed at any moment.
 */
export function dieWithSupervisor(fd: number): void {
  const source = `
    const { Socket } = require('node:net');
    const socket = new Socket({ fd: ${fd}, readable: true, writable: false });
    const die = () => process.kill(process.pid, 'SIGKILL');
    socket.on('end', die).on('close', die).on('error', die).resume();
  `;
  const limits = { maxOldGenerationSizeMb: 8, maxYoungGenerationSizeMb: 2, stackSizeMb: 1 };
  new Worker(source, { eval: true, resourceLimits: limits }).unref();
}
