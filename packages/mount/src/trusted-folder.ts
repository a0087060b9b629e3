import { lstatSync, mkdirSync } from 'node:fs';

/**
 * Makes a folder for what others on this host may know of, but not change. Below /tmp somebody else may have made it first:
 * what is written there could then be led through a link to any file of this user. Throws an error that says so, or the system's.
 */
export function makeTrustedFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const { uid } = lstatSync(folder);
  if (uid === 0 || uid === process.getuid?.()) return;
  throw new Error(
    `${folder} belongs to another user (${uid}), who could lead elsewhere what is written there: have it removed`,
  );
}
