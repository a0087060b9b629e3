/** /proc/self/mountinfo, one mount a line, see proc_pid_mountinfo(5). Pure. */
import type { ByteString } from './operations.js';

export interface Mountinfo {
  mountId: number;
  parentId: number;
  /** Numbers of the device, as `major:minor`. */
  device: string;
  /** Where it is mounted, as this process sees it; a byte string. */
  point: ByteString;
  options: string;
  /** `fuse.k2hft` for example. */
  type: string;
  source: ByteString;
}

/**
 * ```
 * 36 35 98:0 /root /point rw,noatime master:1 shared:2 - ext3 /dev/root rw,errors=continue
 * id parent device root point options optional fields…  - type source superblock's options
 * ```
 */
export function parseMountinfo(text: ByteString): Mountinfo[] {
  return text.split('\n').flatMap((line) => {
    const fields = line.split(' ');
    const separator = fields.indexOf('-', 6);
    const [mountId, parentId, device, , point, options] = fields;
    const type = fields[separator + 1];
    if (separator < 0 || device === undefined || point === undefined || options === undefined) return [];
    if (type === undefined) return [];
    return {
      mountId: Number(mountId),
      parentId: Number(parentId),
      device,
      point: unescapeOctal(point),
      options,
      type,
      source: unescapeOctal(fields[separator + 2] ?? ''),
    };
  });
}

/** Space, tab, newline and backslash stand there as `\040`, `\011`, `\012`, `\134`. */
function unescapeOctal(text: ByteString): ByteString {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}

/** The mount that a program meets at `point`: of several on top of each other, the one that covers the others. */
export function topMount(mounts: readonly Mountinfo[], point: ByteString): Mountinfo | undefined {
  const here = mounts.filter((mount) => mount.point === point);
  const covered = new Set(here.map((mount) => mount.parentId));
  return here.find((mount) => !covered.has(mount.mountId)) ?? here.at(-1);
}
