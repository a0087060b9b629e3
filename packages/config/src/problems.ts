import type { Place } from './tree.js';

/** One thing that is wrong in a configuration. */
export interface Problem {
  /** The file as it was named, or `--json`, or the variable that held the text. */
  readonly file: string;
  /** From 1; 0 when the problem has no place inside the file (the file could not be read). */
  readonly line: number;
  readonly column: number;
  /** Dotted, with list positions from 0: `rules[2].send`; empty for the file as a whole. */
  readonly key: string;
  readonly message: string;
}

export type ConfigErrorCode =
  /** Neither a file nor a text was given. */
  | 'no_configuration'
  /** The file is not there, cannot be read, or has an unknown type. */
  | 'unreadable'
  /** The configuration was read and is wrong. */
  | 'invalid';

/** A configuration that cannot be used; a command that meets it ends with status 78 (EX_CONFIG). */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly code: ConfigErrorCode;
  readonly problems: readonly Problem[];

  constructor(code: ConfigErrorCode, problems: readonly Problem[]) {
    super(problems.map(formatProblem).join('\n'));
    this.code = code;
    this.problems = problems;
  }
}

/** One line as compilers print it: `FILE:LINE:COLUMN: KEY: MESSAGE`, without the parts that are not known. */
export function formatProblem(problem: Problem): string {
  const where = problem.line === 0 ? problem.file : `${problem.file}:${problem.line}:${problem.column}`;
  return [where, problem.key, problem.message].filter((part) => part !== '').join(': ');
}

/** What parsers report; the dotted key only where it is known. */
export interface SyntaxProblem {
  readonly place: Place;
  readonly key?: string;
  readonly message: string;
}

/** For a key that YAML and JSON give twice, where they have no use for it; what stood first is read on. */
export const GIVEN_BEFORE = 'this key was given before, in the same section';

/** The order of the file, so that somebody can go through it from top to bottom. */
export function inFileOrder<P extends Problem>(problems: readonly P[]): P[] {
  return problems.toSorted((a, b) => a.line - b.line || a.column - b.column);
}
