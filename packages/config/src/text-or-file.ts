/** What a text of JSON or YAML may begin with, and a path seldom does. */
const FIRST_OF_TEXT = new Set('{[:}]\'"');

/**
 * K2HFTFUSE decides by its content whether a value is a configuration or the path of one: the first character that is
 * neither white space nor a backslash tells.
 */
export function textOrFile(value: string): { json: string } | { file: string } {
  const first = /[^\s\\]/.exec(value)?.[0] ?? '';
  return FIRST_OF_TEXT.has(first) ? { json: value } : { file: value };
}
