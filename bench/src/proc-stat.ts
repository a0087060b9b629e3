/** Clock ticks per second in /proc: USER_HZ, 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;
/** Places of the fields behind the command's name, counted from `state` = 0. See proc_pid_stat(5). */
const FIELD = { utime: 11, stime: 12, cutime: 13, cstime: 14 };

export interface CpuSeconds {
  /** User and system time of all threads of the process, ended ones included. */
  own: number;
  /** The same of the children that it has waited for. */
  children: number;
}

/** Reads the text of /proc/PID/stat. The command's name may hold blanks and parentheses: the last `)` ends it. */
export function parseStat(text: string): CpuSeconds {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const seconds = (place: number): number => {
    const ticks = Number(fields[place]);
    if (!Number.isInteger(ticks)) throw new Error(`not the text of /proc/PID/stat: ${text}`);
    return ticks / TICKS_PER_SECOND;
  };
  return {
    own: seconds(FIELD.utime) + seconds(FIELD.stime),
    children: seconds(FIELD.cutime) + seconds(FIELD.cstime),
  };
}

export interface MemoryBytes {
  resident: number;
  /** The part of `resident` that belongs to no file: mapped files can be dropped by the kernel at any time. */
  anonymous: number;
  /** The most that was ever resident. */
  peak: number;
}

/** Reads the text of /proc/PID/status. */
export function parseMemory(text: string): MemoryBytes {
  const bytes = (name: string): number => {
    const found = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text);
    if (found === null) throw new Error(`no ${name} in /proc/PID/status`);
    return Number(found[1]) * 1024;
  };
  return { resident: bytes('VmRSS'), anonymous: bytes('RssAnon'), peak: bytes('VmHWM') };
}
