import { fstatSync } from 'node:fs';
import { connect, type Socket } from 'node:net';

/** Where systemd-journald takes standard output of services, see sd_journal_stream_fd(3). */
const JOURNAL_SOCKET = '/run/systemd/journal/stdout';
/** LOG_INFO of syslog(3): lines of this stream carry no priority of their own. */
const PRIORITY = 6;
/** A journal that does not take a connection at once is none. */
const CONNECT_MS = 1_000;

/** Whether the file is a stream to the journal already: systemd names it in the environment of what it starts. */
export function isJournal(fd: number, env: NodeJS.ProcessEnv): boolean {
  const named = env['JOURNAL_STREAM'];
  if (named === undefined) return false;
  try {
    const { dev, ino } = fstatSync(fd);
    return named === `${dev}:${ino}`;
  } catch {
    return false;
  }
}

/** A stream whose lines the journal takes down under `identifier`; undefined where there is no journal. */
export function openJournal(identifier: string, path = JOURNAL_SOCKET): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const give = (stream: Socket | undefined) => {
      clearTimeout(timer);
      if (stream === undefined) socket.destroy();
      resolve(stream);
    };
    const timer = setTimeout(give, CONNECT_MS, undefined);
    socket.on('error', () => {
      give(undefined);
    });
    socket.once('connect', () => {
      // Identifier, unit (found out by the journal), priority, whether lines bring their own, and where else to forward them: nowhere.
      socket.write(`${identifier}\n\n${PRIORITY}\n0\n0\n0\n0\n`, () => {
        give(socket);
      });
    });
  });
}
