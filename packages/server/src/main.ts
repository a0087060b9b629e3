import { runCommand } from './command.js';

// Not left to the event loop: a connection that hangs must not keep a server from ending.
process.exit(await runCommand(process.argv.slice(2)));
