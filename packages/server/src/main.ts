import { setFlagsFromString } from 'node:v8';

// Every message is a buffer outside of V8's heap, and V8 answers so much of them with one marking after another, spread
// over helper threads. The heap itself is a few MiB: marking it at one go takes 1 to 3 ms. Measured with batches of 128 KiB:
// 0.95 CPU s/GB instead of 1.85. Set before anything else is loaded, so that no marking is under way.
setFlagsFromString('--no-incremental-marking');

const [{ runCommand }, { endProcess }] = await Promise.all([import('./command.js'), import('@k2hft/queue')]);

// Not left to the event loop: a connection that hangs must not keep a server from ending.
endProcess(await runCommand(process.argv.slice(2)));
