import { escapeOption } from './option-list.js';

const COMMANDS = new Set(['mount', 'umount', 'status', 'check', 'queue', 'send', 'help']);
/** Flags of K2HFTFUSE's own command line. */
const FLAGS = new Set(['-f', '-d', '--debug', '-o']);

/**
 * K2HFTFUSE is called as `k2hftfuse POINT [-f] [-d] [-o a,b]`, by people and by mount.fuse: with its name changed to
 * `k2hft` that is `k2hft mount`, in the background unless one of -f, -d says otherwise. Every other command line is returned as it is.
 */
export function translateLegacyArguments(args: readonly string[]): string[] {
  const [first] = args;
  if (first === undefined || COMMANDS.has(first)) return [...args];
  const isLegacy = first.startsWith('/') || (FLAGS.has(first) && args.some((arg) => arg.startsWith('/')));
  if (!isLegacy) return [...args];
  const staysInForeground = args.some((arg) => arg === '-f' || arg === '-d' || arg === '--debug');
  return ['mount', ...(staysInForeground ? [] : ['--daemon']), ...withSourceAsOption(args)];
}

/** For the type fuse.k2hft, mount.fuse calls `k2hft SOURCE POINT -o …`: the source is the configuration file. */
function withSourceAsOption(args: readonly string[]): string[] {
  const [first = '', second = '', ...rest] = args;
  if (!first.startsWith('/') || !second.startsWith('/')) return [...args];
  return [second, '-c', first, '-o', `fsname=${escapeOption(first)}`, ...rest];
}
