import { basename } from 'node:path';

/**
 * How a plugin is called where people read about it: by its program. Where that is env(1), as in front of every PLUGIN of
 * K2HFTFUSE, it is the program that env starts: behind the options and the variables.
 *
 * @param command the program and its arguments
 */
export function pluginName(command: readonly string[]): string {
  const [program = '', ...words] = command;
  if (basename(program) !== 'env') return program;
  return words.find((word) => !word.startsWith('-') && !word.includes('=')) ?? program;
}
