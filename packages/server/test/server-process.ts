import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startProcess, type Cleanup, type StartedProcess } from '@k2hft/test-harness';

const MAIN = fileURLToPath(new URL('../../bin/k2hft-svr.js', import.meta.url));

/** Settings of a server for tests; `output` and `state` are folders below the folder. */
export interface ServerFolder {
  folder: string;
  output?: Record<string, unknown>;
  top?: Record<string, unknown>;
  port?: number;
  /** A pure relay: `top` says where to. */
  noOutput?: boolean;
}

export interface RunningServer extends StartedProcess {
  url: string;
  outputFolder: string;
}

export function configurationOf({
  folder,
  output = {},
  top = {},
  port = 0,
  noOutput = false,
}: ServerFolder): string {
  mkdirSync(join(folder, 'output'), { recursive: true });
  return JSON.stringify({
    listen: `ws://127.0.0.1:${port}`,
    state_dir: join(folder, 'state'),
    ...(noOutput ? {} : { output: { dir: join(folder, 'output'), ...output } }),
    ...top,
  });
}

/** Starts a real k2hft-svr and waits until it listens. */
export async function startServer(context: Cleanup, settings: ServerFolder): Promise<RunningServer> {
  const child = startProcess(context, process.execPath, [MAIN, '--json', configurationOf(settings)]);
  await child.printed(/listening on \S+/);
  const [, url = ''] = /listening on (\S+)/.exec(child.output()) ?? [];
  return { ...child, url, outputFolder: join(settings.folder, 'output') };
}

/** Starts k2hft-svr with these arguments, as it is. */
export function runServer(
  context: Cleanup,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): StartedProcess {
  return startProcess(context, process.execPath, [MAIN, ...args], { env: { ...process.env, ...env } });
}
