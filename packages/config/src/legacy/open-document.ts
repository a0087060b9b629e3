import { existsSync, readFileSync } from 'node:fs';
import { dirname, extname, resolve } from 'node:path';
import { textOrFile } from '../text-or-file.js';
import type { LegacyDocument, LegacyText } from './document.js';
import type { Findings } from './findings.js';
import { readLegacyIni } from './ini-reader.js';
import { readLegacyYaml } from './yaml-reader.js';

/** Opens the configuration that a key names; undefined when it cannot be read, which has been reported under that key. */
export type OpenDocument = (
  named: LegacyText,
  from: LegacyDocument,
  key: string,
) => LegacyDocument | undefined;

/** A file, or a text in JSON or YAML: its content decides, as for the command line. */
export function documentOpener(findings: Findings): OpenDocument {
  return (named, from, key) => {
    // The quotes of JSON that stands in INI without quotes around it are not those of INI.
    const written = named.written?.startsWith('{') === true ? named.written : named.text;
    const given = textOrFile(written);
    if ('json' in given) {
      // Places inside a text that stands on one line of another file are those of that line.
      return readLegacyYaml(given.json, `${from.file}:${named.place.line} (${key})`, from.folder, findings);
    }
    const path = findFile(given.file, from.folder);
    try {
      return parseLegacy(readFileSync(path, 'utf8'), path, findings);
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
      const reason = code === 'ENOENT' ? `there is no ${path}` : `${path} cannot be read: ${code}`;
      findings.fail(named.place, key, `expected a configuration file, or its text in JSON: ${reason}`);
      return;
    }
  };
}

/** Relative to the working directory, as there; and if it is not there, to the file that names it. */
function findFile(name: string, folder: string): string {
  const here = resolve(name);
  return existsSync(here) ? here : resolve(folder, name);
}

/** The extension tells how a file is written; one that says nothing means INI. */
function parseLegacy(text: string, path: string, findings: Findings): LegacyDocument | undefined {
  const folder = dirname(resolve(path));
  return ['.yaml', '.yml', '.json'].includes(extname(path).toLowerCase())
    ? readLegacyYaml(text, path, folder, findings)
    : readLegacyIni(text, path, folder, findings);
}
