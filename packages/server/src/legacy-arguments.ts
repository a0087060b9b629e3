import { textOrFile } from '@k2hft/config';

/** Flags of K2HFTFUSESVR, in lower case, and ours for them. `-conf` and `-json` are told apart by their content. */
const WITH_VALUE: ReadonlyMap<string, string> = new Map([
  ['-conf', '--config'],
  ['-json', '--json'],
  ['-d', '--log-level'],
  ['-g', '--log-level'],
  ['-dbg', '--log-level'],
]);
const WITHOUT_VALUE: ReadonlyMap<string, string> = new Map([
  ['-h', '--help'],
  ['-help', '--help'],
  ['-v', '--version'],
  ['-ver', '--version'],
  ['-version', '--version'],
]);

export interface TranslatedArguments {
  readonly args: string[];
  /** What is wrong with a flag of K2HFTFUSESVR. */
  readonly complaint?: string;
}

/**
 * K2HFTFUSESVR is called as `k2hftfusesvr -conf FILE -d LEVEL`: words after one dash, in upper or lower case. They are
 * translated to ours; everything else is left as it is. As there, `-conf` wins over `-json`.
 */
export function translateLegacyArguments(given: readonly string[]): TranslatedArguments {
  const args: string[] = [];
  const configurations = new Map<string, string[]>();
  const waiting = [...given];
  for (let arg = waiting.shift(); arg !== undefined; arg = waiting.shift()) {
    const name = arg.toLowerCase();
    const ours = WITH_VALUE.get(name);
    if (ours === undefined) {
      args.push(WITHOUT_VALUE.get(name) ?? arg);
      continue;
    }
    const value = waiting.shift();
    if (value === undefined || value.startsWith('-'))
      return { args, complaint: `${arg} needs a value, which may not begin with a dash` };
    if (name === '-conf' || name === '-json') configurations.set(name, configurationFlags(value));
    else args.push(ours, value);
  }
  return { args: [...(configurations.get('-conf') ?? configurations.get('-json') ?? []), ...args] };
}

function configurationFlags(value: string): string[] {
  const found = textOrFile(value);
  return 'json' in found ? ['--json', found.json] : ['--config', found.file];
}
