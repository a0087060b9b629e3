import type { RuleSettings } from '@k2hft/config';
import type { ByteString } from '@k2hft/fuse';

/** A longer way through the mount is a mistake in the configuration. */
export const COPY_STAGES_MAX = 8;

/** Where what is written to a path is copied to. */
export type CopyTarget =
  /** A file; symbolic links on the way are followed, as the configuration's author may have meant them. */
  | { readonly kind: 'file'; readonly file: ByteString }
  /** A file below a directory, under names that come from the mount: nothing may lead out of the directory. */
  | { readonly kind: 'below'; readonly directory: ByteString; readonly names: readonly ByteString[] }
  /** A path of the mount itself, relative to the mount point: the bytes meet that path's rule. */
  | { readonly kind: 'inside'; readonly path: ByteString };

/** What of a rule decides where copies go. */
export type CopyRule = Partial<Pick<RuleSettings, 'copyTo' | 'copyBase' | 'copyWhat'>>;

/**
 * `copyTo` is absolute and normalized, and ends in a slash when it names a directory. There a file has the name that it
 * has below `copyBase`, a directory of the mount.
 */
export function copyTarget(
  copyTo: string,
  path: ByteString,
  mountPoint: string,
  copyBase?: string,
): CopyTarget {
  const point = bytesOf(mountPoint);
  if (!copyTo.endsWith('/')) {
    const file = bytesOf(copyTo);
    const inside = insideOf(file, point);
    if (inside === undefined) return { kind: 'file', file };
    // The mount point itself is no file: what is copied there keeps its name.
    return { kind: 'inside', path: inside === '' ? nameBelow(path, copyBase) : inside };
  }
  const directory = bytesOf(copyTo.slice(0, -1));
  const name = nameBelow(path, copyBase);
  // Also a directory that the mount lies in may lead there.
  const inside = insideOf(`${directory}/${name}`, point);
  if (inside !== undefined) return { kind: 'inside', path: inside };
  return { kind: 'below', directory: directory === '' ? '/' : directory, names: name.split('/') };
}

/** Relative to the mount point; '' for itself; undefined outside. */
function insideOf(path: ByteString, point: ByteString): ByteString | undefined {
  if (path === point) return '';
  return path.startsWith(`${point}/`) ? path.slice(point.length + 1) : undefined;
}

function nameBelow(path: ByteString, base: string | undefined): ByteString {
  const front = base === undefined ? '' : `${bytesOf(base.replace(/\/$/, ''))}/`;
  return path.startsWith(front) ? path.slice(front.length) : path;
}

export type CopyChain =
  | { readonly kind: 'none' }
  | { readonly kind: 'target'; readonly target: CopyTarget }
  | { readonly kind: 'refused'; readonly reason: string };

/** Where the copy of a path goes first; refused when the way through the mount would come back, or does not end in time. */
export function copyChain(
  path: ByteString,
  ruleOf: (path: ByteString) => CopyRule | undefined,
  mountPoint: string,
): CopyChain {
  const targetOf = (from: ByteString): CopyTarget | undefined => {
    const rule = ruleOf(from);
    return rule?.copyTo === undefined ? undefined : copyTarget(rule.copyTo, from, mountPoint, rule.copyBase);
  };
  const first = targetOf(path);
  if (first === undefined) return { kind: 'none' };
  const visited = [path];
  for (
    let target: CopyTarget | undefined = first;
    target?.kind === 'inside';
    target = targetOf(target.path)
  ) {
    if (visited.includes(target.path)) return refused(visited, target.path, 'comes back to a path');
    if (visited.length > COPY_STAGES_MAX)
      return refused(visited, target.path, `has more than ${COPY_STAGES_MAX} stages`);
    visited.push(target.path);
  }
  return { kind: 'target', target: first };
}

function refused(visited: readonly ByteString[], next: ByteString, what: string): CopyChain {
  const way = [...visited, next].map((path) => Buffer.from(path, 'latin1').toString()).join(' → ');
  return { kind: 'refused', reason: `the way that copy_to describes ${what}: ${way}` };
}

function bytesOf(text: string): ByteString {
  return Buffer.from(text).toString('latin1');
}
