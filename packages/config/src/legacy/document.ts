import { suggestKey } from '../suggest.js';
import type { Place } from '../tree.js';

/**
 * A configuration of K2HFTFUSE as its sections, whether it was written as INI, YAML or JSON. Section names and
 * keys are upper case here; the order is that of the file.
 */
export interface LegacyDocument {
  /** The file, or what stands for it in messages. */
  readonly file: string;
  /** Absolute; relative paths start here. */
  readonly folder: string;
  readonly sections: readonly LegacySection[];
}

export interface LegacySection {
  readonly name: string;
  readonly place: Place;
  readonly entries: readonly LegacyEntry[];
}

export interface LegacyEntry {
  readonly key: string;
  readonly keyPlace: Place;
  readonly value: LegacyText;
  /** YAML and JSON: the second of two texts that stand in a list, as ALLOW and DENY may have them. */
  readonly second: LegacyText | undefined;
}

export interface LegacyText {
  readonly place: Place;
  /** Without the quotes of its dialect. */
  readonly text: string;
  /** INI: as it was written, quotes and comments included. */
  readonly written: string | undefined;
  /** YAML and JSON: whether it stood in quotes. */
  readonly quoted: boolean;
}

/** Every section that one of K2HFTFUSE's readers knows. */
const SECTION_NAMES = [
  'GLOBAL',
  'SVRNODE',
  'SLVNODE',
  'K2HTPDTOR',
  'K2HFTFUSE',
  'K2HFTFUSE_RULE_DIR',
  'K2HFTFUSE_RULE',
  'K2HFTFUSESVR',
] as const;

export type SectionName = (typeof SECTION_NAMES)[number];

export function isSectionName(name: string): name is SectionName {
  return (SECTION_NAMES as readonly string[]).includes(name);
}

export function sectionsNamed(document: LegacyDocument, ...names: SectionName[]): LegacySection[] {
  return document.sections.filter(({ name }) => (names as string[]).includes(name));
}

/** The value that counts when a key is given several times: the last. */
export function lastEntry(sections: readonly LegacySection[], key: string): LegacyEntry | undefined {
  return sections.flatMap(({ entries }) => entries).findLast((entry) => entry.key === key);
}

export function suggestSection(name: string): string | undefined {
  return suggestKey(
    name.toLowerCase(),
    SECTION_NAMES.map((known) => known.toLowerCase()),
    [],
  )?.toUpperCase();
}
