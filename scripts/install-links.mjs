// Makes this checkout's commands known to the system: `npm run link`, and `npm run unlink` takes them away. Links, not
// copies: after an update of the checkout and `npm run setup` they run what is new.
//
//   node scripts/install-links.mjs [--remove] [--root DIRECTORY]
import { existsSync, lstatSync, mkdirSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const CHECKOUT = fileURLToPath(new URL('..', import.meta.url));
/** mount(8) and umount(8) look for helpers in /sbin only, under the type in fstab and under the type of the mount. */
const LINKS = {
  'usr/local/bin/k2hft': 'packages/mount/bin/k2hft.js',
  'usr/local/bin/k2hft-svr': 'packages/server/bin/k2hft-svr.js',
  'sbin/mount.k2hft': 'packages/mount/bin/mount.k2hft.js',
  'sbin/mount.fuse.k2hft': 'packages/mount/bin/mount.k2hft.js',
  'sbin/umount.fuse.k2hft': 'packages/mount/bin/umount.k2hft.js',
};

const { values } = parseArgs({
  options: { remove: { type: 'boolean' }, root: { type: 'string', default: '/' } },
});

function linkedTo(link) {
  try {
    return lstatSync(link).isSymbolicLink() ? readlinkSync(link) : 'something that is no link';
  } catch {
    return undefined;
  }
}

/** Says what is in the way, and returns false, when the name is somebody else's. */
function install(link, target) {
  const found = linkedTo(link);
  if (found === target) return true;
  if (found !== undefined) {
    console.error(`${link} is there already (${found}): remove it first`);
    return false;
  }
  mkdirSync(dirname(link), { recursive: true });
  symlinkSync(target, link);
  console.log(`${link} -> ${target}`);
  return true;
}

function remove(link, target) {
  if (linkedTo(link) !== target) return true;
  rmSync(link);
  console.log(`removed ${link}`);
  return true;
}

let isDone = true;
for (const [name, file] of Object.entries(LINKS)) {
  const target = resolve(CHECKOUT, file);
  if (!existsSync(join(CHECKOUT, 'packages/mount/dist/src/main.js')) && !values.remove) {
    console.error('not built yet: run npm run setup first');
    process.exit(1);
  }
  try {
    isDone = (values.remove ? remove : install)(join(values.root, name), target) && isDone;
  } catch (error) {
    console.error(`${error.message} (run this as root)`);
    isDone = false;
  }
}
process.exitCode = isDone ? 0 : 1;
