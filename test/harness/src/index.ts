export { temporaryFolder } from './temporary-folder.js';
export { waitUntil, sleep } from './waiting.js';
export { startProcess, type StartedProcess } from './processes.js';
