import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { startProcess, undoAtEnd, type Cleanup } from '@k2hft/test-harness';
import { KeptServer, type ServerSettings } from './killing.js';
import { SLOW_BYTES_PER_SECOND, SLOW_DELAY_MS, type RoadState } from './road-state.js';

const PROXY = fileURLToPath(new URL('./road-proxy.js', import.meta.url));

/** How a source comes to a server. */
export interface Road {
  /** What the source is given. */
  readonly url: string;
  /** From now on nothing comes through, and nobody is told. */
  cut(): void;
  /** From now on it is slow. */
  slow(): void;
  /** As it was. */
  mend(): void;
}

/**
 * A server behind a road: in a network namespace of its own when this machine lets us make one (and, for one that is
 * to be slow, its kernel has netem), so that packets are really lost; else behind a proxy.
 */
export async function serverBehindRoad(
  cleanup: Cleanup,
  folder: string,
  settings: ServerSettings,
  mustSlow: boolean,
): Promise<{ server: KeptServer; road: Road }> {
  const namespace = makeNamespace(cleanup, mustSlow);
  if (namespace !== undefined) {
    const { name, host, device } = namespace;
    const inside = ['ip', 'netns', 'exec', name];
    const server = await KeptServer.start(cleanup, folder, { ...settings, host, inside });
    return { server, road: namespaceRoad(server.url, name, device) };
  }
  const server = await KeptServer.start(cleanup, folder, settings);
  return { server, road: await proxyRoad(cleanup, server.url) };
}

interface Namespace {
  name: string;
  /** Address of the far end. */
  host: string;
  /** Name of the near end. */
  device: string;
}

/** Networks of four addresses in 198.18.0.0/15, which RFC 2544 sets aside for tests like these. */
const NETWORKS = 2 ** 15;
const NETWORK_TRIES = 64;

function makeNamespace(cleanup: Cleanup, mustSlow: boolean): Namespace | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const number = freeNetwork();
  if (number === undefined) return undefined;
  const name = namespaceOf(number);
  const device = `k2hft${number}`;
  undoAtEnd(cleanup, () => {
    ip('netns', 'delete', name);
    ip('link', 'delete', device);
  });
  const network = number * 4;
  const address = (last: number) =>
    `198.${18 + (network >> 16)}.${(network >> 8) & 255}.${(network & 255) + last}`;
  const isMade =
    ip('link', 'add', device, 'type', 'veth', 'peer', 'name', 'far', 'netns', name) &&
    ip('address', 'add', `${address(1)}/30`, 'dev', device) &&
    ip('link', 'set', device, 'up') &&
    ip('-n', name, 'address', 'add', `${address(2)}/30`, 'dev', 'far') &&
    ip('-n', name, 'link', 'set', 'far', 'up') &&
    ip('-n', name, 'link', 'set', 'lo', 'up') &&
    (!mustSlow || (shape(device, 'add', SLOW_DELAY_MS) && shape(device, 'delete')));
  return isMade ? { name, host: address(2), device } : undefined;
}

function namespaceOf(number: number): string {
  return `k2hft-${number}`;
}

/** Makes a namespace, whose name keeps other tests from using its network as well; undefined when none can be made. */
function freeNetwork(): number | undefined {
  const first = process.pid * 16;
  for (let tried = 0; tried < NETWORK_TRIES; tried++) {
    const number = (first + tried) % NETWORKS;
    if (ip('netns', 'add', namespaceOf(number))) return number;
  }
  return undefined;
}

function namespaceRoad(url: string, name: string, device: string): Road {
  let isSlow = false;
  const link = (state: 'up' | 'down') => {
    if (!ip('-n', name, 'link', 'set', 'far', state)) throw new Error(`cannot set the link ${state}`);
  };
  return {
    url,
    cut: () => {
      link('down');
    },
    slow: () => {
      isSlow = shape(device, 'add', SLOW_DELAY_MS);
    },
    mend: () => {
      link('up');
      if (isSlow) shape(device, 'delete');
      isSlow = false;
    },
  };
}

function shape(device: string, action: 'add' | 'delete', delayMs = 0): boolean {
  const args = ['qdisc', action, 'dev', device, 'root'];
  if (action === 'add')
    args.push('netem', 'delay', `${delayMs}ms`, 'rate', `${(SLOW_BYTES_PER_SECOND * 8) / 1000}kbit`);
  return spawnSync('tc', args, { stdio: 'ignore' }).status === 0;
}

function ip(...args: string[]): boolean {
  return spawnSync('ip', args, { stdio: 'ignore' }).status === 0;
}

async function proxyRoad(cleanup: Cleanup, serverUrl: string): Promise<Road> {
  const args = [PROXY, new URL(serverUrl).port];
  const proxy = startProcess(cleanup, process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  const listening = /listening on (\S+)/;
  await proxy.printed(listening);
  const become = (state: RoadState) => () => {
    proxy.child.send(state);
  };
  return {
    url: listening.exec(proxy.output())?.[1] ?? '',
    cut: become('cut'),
    slow: become('slow'),
    mend: become('open'),
  };
}
