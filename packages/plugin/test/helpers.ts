import type { Log } from '@k2hft/config';
import { undoAtEnd, type Cleanup } from '@k2hft/test-harness';
import { PluginProcess, type PluginOptions } from '@k2hft/plugin';

export interface KeptLog {
  readonly log: Log;
  readonly lines: string[];
  has(text: string | RegExp): boolean;
}

export function keepLog(): KeptLog {
  const lines: string[] = [];
  return {
    log: (level, message) => lines.push(`${level}: ${message}`),
    lines,
    has: (text) => lines.some((line) => (typeof text === 'string' ? line.includes(text) : text.test(line))),
  };
}

/** For what must not be done in a test because the machine is slow. A timer can wait for so long. */
export const NEVER_MS = 3_600_000;

/** A started plugin whose processes are gone when the test has ended. */
export function startPlugin(
  cleanup: Cleanup,
  script: string,
  options: Partial<PluginOptions> = {},
): PluginProcess {
  const plugin = new PluginProcess({
    name: 'test',
    command: ['sh', '-c', script],
    stdout: { kind: 'discard' },
    log: () => undefined,
    tuning: { backoffMinMs: 10, backoffMaxMs: 50, watchMs: 20, graceMs: NEVER_MS, termMs: 200 },
    ...options,
  });
  undoAtEnd(cleanup, () => plugin.stop(0, 0));
  plugin.start();
  return plugin;
}

/** `line N` for each number. */
export function numberedLines(first: number, last: number): Buffer {
  let text = '';
  for (let number = first; number <= last; number++) text += `line ${number}\n`;
  return Buffer.from(text);
}
