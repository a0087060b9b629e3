// Loaded into the processes of k2hft with `--import`: profiles the process from its start to its end, and leaves the
// result as PID.cpuprofile in the folder that the environment names. (Node 20 refuses --cpu-prof in NODE_OPTIONS.)
import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector';
import { join } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { PROFILE_DIR_VARIABLE } from './profile.js';

const folder = process.env[PROFILE_DIR_VARIABLE];
if (folder !== undefined && isMainThread) profileInto(join(folder, `${process.pid}.cpuprofile`));

function profileInto(file: string): void {
  const session = new Session();
  session.connect();
  session.post('Profiler.enable');
  session.post('Profiler.start');
  process.once('exit', () => {
    // Within one thread the answer comes before post() returns, so this works at the very end.
    session.post('Profiler.stop', (error, result) => {
      if (error === null) writeFileSync(file, JSON.stringify(result.profile));
    });
  });
}
