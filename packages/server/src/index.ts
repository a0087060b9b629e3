export { runCommand } from './command.js';
export { ServerError, type ServerErrorCode } from './errors.js';
