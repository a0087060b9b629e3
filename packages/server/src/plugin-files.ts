import { closeSync } from 'node:fs';
import { join } from 'node:path';
import { printableName, type Log, type ServerSettings } from '@k2hft/config';
import type { PluginStdout } from '@k2hft/plugin';
import type { Batch } from '@k2hft/wire';
import { quarantineName, refusalOf } from './output-name.js';
import { RefusedName, type OutputTree } from './output-tree.js';
import type { PathTemplate } from './path-template.js';
import type { State } from './state.js';

/** Names that are remembered with where they lead. Beyond, all are forgotten and looked up again. */
const NAMES_MAX = 10_000;

/** Whether what the plugin prints takes the place of the lines: then the server itself writes no output file. */
export function pluginWritesFiles({ output }: ServerSettings): boolean {
  return output?.plugin !== undefined && output.pluginStdout === 'file';
}

/**
 * Files that a plugin writes are not cut back: nobody knows which of their bytes belong to which batch. What was recorded
 * of them when the server still wrote them itself is forgotten.
 */
export async function forgetFiles(state: State): Promise<void> {
  const forget = state.files().map(([identity]) => identity);
  if (forget.length > 0) await state.commit({ forget });
}

/** The files that a plugin's processes write: which batch goes where, and how they are opened. */
export class PluginFiles {
  readonly #tree: OutputTree;
  readonly #log: Log;
  /** Where a name leads: to itself, or to quarantine. */
  readonly #checked = new Map<string, string>();

  constructor(tree: OutputTree, log: Log) {
    this.#tree = tree;
    this.#log = log;
  }

  /** The name of a batch's file, which can be opened as far as its name is concerned. */
  nameOf(batch: Batch, template: PathTemplate): string {
    const wanted = template.render(batch);
    let name = this.#checked.get(wanted);
    if (name === undefined) {
      if (this.#checked.size >= NAMES_MAX) this.#checked.clear();
      name = this.#check(wanted);
      this.#checked.set(wanted, name);
    }
    return name;
  }

  stdoutOf(name: string): PluginStdout {
    return {
      kind: 'file',
      path: join(Buffer.from(this.#tree.directory).toString('latin1'), name),
      open: () => this.#open(name),
    };
  }

  #open(name: string): number {
    this.#tree.reopen();
    const { fd, changedDirectories } = this.#tree.openFile(name);
    changedDirectories.forEach((directory) => {
      closeSync(directory);
    });
    return fd;
  }

  #check(wanted: string): string {
    const reason =
      refusalOf(wanted, Buffer.byteLength(this.#tree.directory)) ?? this.#refusalByOpening(wanted);
    if (reason === undefined) return wanted;
    const name = quarantineName(wanted);
    this.#log('warn', `refused to write "${printableName(wanted)}": ${reason}; it goes to "${name}" instead`);
    return name;
  }

  /** What is in the file system can refuse a name as well: a directory, a link. Whatever may be otherwise later is not said here. */
  #refusalByOpening(name: string): string | undefined {
    try {
      closeSync(this.#open(name));
      return undefined;
    } catch (error) {
      return error instanceof RefusedName ? error.message : undefined;
    }
  }
}
