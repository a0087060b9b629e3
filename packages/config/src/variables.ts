/**
 * Environment variables in values: `${NAME}`, `${NAME:-default}`, and `$$` for a dollar. Any other dollar is
 * itself, because regular expressions end in one and replacements refer to groups with it.
 */

export type Lookup = (name: string) => string | undefined;

export type Expansion = { readonly text: string } | { readonly problem: string };

const REFERENCE = /\$(?:\$|\{([^}]*)(\})?)/g;
const INSIDE = /^([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s;

/** As in the shell, `:-` also stands in for a variable that is set but empty. */
export function expandVariables(text: string, lookup: Lookup): Expansion {
  let problem: string | undefined;
  const expanded = text.replace(
    REFERENCE,
    (whole: string, inside: string | undefined, closing: string | undefined) => {
      if (whole === '$$') return '$';
      const [, name, fallback] = (closing === undefined ? null : INSIDE.exec(inside ?? '')) ?? [];
      if (name === undefined) {
        problem ??= `expected \${NAME} or \${NAME:-default}, found ${JSON.stringify(whole)}; a literal dollar is written $$`;
        return '';
      }
      const value = lookup(name);
      if (fallback !== undefined) return value === undefined || value === '' ? fallback : value;
      if (value === undefined) {
        problem ??= `the environment variable ${name} is not set; set it, or write \${${name}:-default}`;
      }
      return value ?? '';
    },
  );
  return problem === undefined ? { text: expanded } : { problem };
}

/** Writes `text` so that {@link expandVariables} gives it back. */
export function escapeVariables(text: string): string {
  return text.replace(/\$(?=[${])/g, '$$$$');
}
