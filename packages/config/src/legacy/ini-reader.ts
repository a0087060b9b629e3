import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Place } from '../tree.js';
import {
  isSectionName,
  suggestSection,
  type LegacyDocument,
  type LegacyEntry,
  type LegacySection,
} from './document.js';
import type { Findings } from './findings.js';
import { trimBlanks, unquote } from './ini-quoting.js';

interface GrowingSection extends LegacySection {
  readonly entries: LegacyEntry[];
}

/** A chain of files that include one another this deep is a mistake, even without a circle. */
const INCLUDE_DEPTH_MAX = 16;

const HEADER = /^\[([^\]]*)\](.*)$/;

/** Reads K2HFTFUSE's INI: line by line, no continuation; lines that begin with # and empty ones say nothing. */
export function readLegacyIni(
  text: string,
  file: string,
  folder: string,
  findings: Findings,
): LegacyDocument {
  const reader = new IniReader(findings);
  reader.read(text, file, [resolve(folder, file)]);
  return { file, folder, sections: reader.sections };
}

class IniReader {
  readonly sections: LegacySection[] = [];
  /** undefined: before the first section, and in one that nobody knows. */
  private section: GrowingSection | undefined;

  constructor(private readonly findings: Findings) {}

  /** @param chain absolute names of the files that are being read, outermost first */
  read(text: string, file: string, chain: readonly string[]): void {
    text.split(/\r\n|\n|\r/).forEach((line, index) => {
      const place = { line: index + 1, column: Math.max(line.search(/[^ \t]/) + 1, 1), file };
      const trimmed = trimBlanks(line);
      if (trimmed === '' || trimmed.startsWith('#')) return;
      if (trimmed.startsWith('[')) this.header(trimmed, place);
      else this.assignment(line, place, chain);
    });
  }

  private header(line: string, place: Place): void {
    const [, written = '', rest = ''] = HEADER.exec(line) ?? [];
    const name = trimBlanks(written).toUpperCase();
    this.section = undefined;
    if (isSectionName(name) && /^(?:\s+#.*)?$/.test(rest)) {
      this.section = { name, place, entries: [] };
      this.sections.push(this.section);
      return;
    }
    const suggestion = suggestSection(name);
    const advice = suggestion === undefined ? '' : `; did you mean [${suggestion}]?`;
    this.findings.warn(
      place,
      '',
      `${line} is no section that K2HFTFUSE knows: what is in it is ignored${advice}`,
    );
  }

  private assignment(line: string, place: Place, chain: readonly string[]): void {
    const equals = line.indexOf('=');
    const key = unquote(equals === -1 ? line : line.slice(0, equals))?.toUpperCase();
    const written = equals === -1 ? '' : trimBlanks(line.slice(equals + 1));
    const blanks = equals === -1 ? 0 : line.slice(equals + 1).search(/[^ \t]/);
    const valuePlace = equals === -1 ? place : { ...place, column: equals + 2 + Math.max(blanks, 0) };
    // K2HTPDTOR takes its values as they stand.
    const text = this.section?.name === 'K2HTPDTOR' ? written : unquote(written);
    if (key === undefined || text === undefined) {
      this.findings.warn(
        place,
        key ?? '',
        'a quote is not closed, or nothing follows the last backslash: as in K2HFTFUSE, the line is ignored',
      );
      return;
    }
    if (key === 'INCLUDE') {
      this.include(text, valuePlace, chain);
      return;
    }
    if (this.section === undefined) return;
    const value = { place: valuePlace, text, written, quoted: false };
    this.section.entries.push({ key, keyPlace: place, value, second: undefined });
  }

  /** The lines of another file, in place of this one. */
  private include(name: string, place: Place, chain: readonly string[]): void {
    const path = resolve(dirname(chain.at(-1) ?? '.'), name);
    if (chain.includes(path)) {
      this.findings.fail(place, 'INCLUDE', `${path} includes itself: ${[...chain, path].join(' includes ')}`);
    } else if (chain.length > INCLUDE_DEPTH_MAX) {
      this.findings.fail(place, 'INCLUDE', `more than ${INCLUDE_DEPTH_MAX} files include one another`);
    } else {
      const text = readIncluded(path);
      if (typeof text === 'string') this.read(text, path, [...chain, path]);
      else
        this.findings.fail(
          place,
          'INCLUDE',
          `expected a file to insert here, found ${JSON.stringify(name)}: ${text.reason}`,
        );
    }
  }
}

function readIncluded(path: string): string | { reason: string } {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    return { reason: code === 'ENOENT' ? `there is no ${path}` : `${path} cannot be read: ${code}` };
  }
}
