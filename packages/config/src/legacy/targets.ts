/** TARGETs, and the globs that they become. */

/** Without slashes at its ends, double slashes and `.`; undefined when it leads out of the mount. */
export function normalizeTarget(target: string): string | undefined {
  const segments = target.split('/').filter((segment) => segment !== '' && segment !== '.');
  return segments.includes('..') ? undefined : segments.join('/');
}

/** A glob that matches this path alone. */
export function escapeGlob(path: string): string {
  return path.replace(/[\\*?[\]{}()!+@|^$,#~<>"']/g, '\\$&');
}

/** A glob for everything below a directory; the empty one is the mount point. */
export function globBelow(directory: string): string {
  return directory === '' ? '**' : `${escapeGlob(directory)}/**`;
}

/** A glob for every path that begins with this text. */
export function globBeginning(text: string): string {
  return text === '' || text.endsWith('/') ? `${escapeGlob(text)}**` : `${escapeGlob(text)}{*,*/**}`;
}
