import type { Place } from '../tree.js';
import { lastEntry, type LegacyEntry, type LegacySection, type LegacyText } from './document.js';
import type { Findings } from './findings.js';
import { nearestName } from '../suggest.js';

const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ['y', true],
  ['yes', true],
  ['on', true],
  ['true', true],
  ['1', true],
  ['n', false],
  ['no', false],
  ['off', false],
  ['false', false],
  ['0', false],
]);

/** What C's `int` holds, which is what K2HFTFUSE reads numbers into. */
const INTEGER_MAX = 2_147_483_647;

/** Reads the values of one section's keys, the last where a key is given several times. */
export class Values {
  /** @param sections of one name, which count as one */
  constructor(
    readonly name: string,
    readonly sections: readonly LegacySection[],
    readonly findings: Findings,
  ) {}

  entry(key: string): LegacyEntry | undefined {
    return lastEntry(this.sections, key);
  }

  all(key: string): LegacyEntry[] {
    return this.sections.flatMap(({ entries }) => entries).filter((entry) => entry.key === key);
  }

  fullKey(key: string): string {
    return `${this.name}.${key}`;
  }

  /** Where the section stands; for what is missing in it. */
  get place(): Place {
    return this.sections[0]?.place ?? { line: 0, column: 0 };
  }

  /** undefined: not given, or empty, which is the same. */
  text(key: string): LegacyText | undefined {
    const value = this.entry(key)?.value;
    return value?.text === '' ? undefined : value;
  }

  /** undefined: not given, or wrong, which has been reported. */
  boolean(key: string): { value: boolean; place: Place } | undefined {
    const entry = this.entry(key);
    if (entry === undefined) return undefined;
    const { text, place } = entry.value;
    const value = BOOLEANS.get(text.toLowerCase());
    if (value !== undefined) return { value, place };
    this.findings.fail(place, this.fullKey(key), `expected yes or no, found ${JSON.stringify(text)}`);
    return undefined;
  }

  integer(key: string, min = 0, max = INTEGER_MAX): { value: number; place: Place } | undefined {
    const entry = this.entry(key);
    if (entry === undefined) return undefined;
    const { text, place } = entry.value;
    const value = /^\d+$/.test(text) ? Number(text) : NaN;
    if (value >= min && value <= max) return { value, place };
    const expected = `expected a whole number from ${min} to ${max}`;
    this.findings.fail(place, this.fullKey(key), `${expected}, found ${JSON.stringify(text)}`);
    return undefined;
  }

  /** One of several words, each with its meaning; any case. */
  choice<T>(key: string, meanings: Readonly<Record<string, T>>): { value: T; place: Place } | undefined {
    const entry = this.entry(key);
    if (entry === undefined) return undefined;
    const { text, place } = entry.value;
    const word = text.toLowerCase();
    const value = Object.hasOwn(meanings, word) ? meanings[word] : undefined;
    if (value !== undefined) return { value, place };
    const known = Object.keys(meanings).join(', ');
    this.findings.fail(place, this.fullKey(key), `expected one of ${known}, found ${JSON.stringify(text)}`);
    return undefined;
  }

  /** Keys that nobody knows are warned about and skipped, as K2HFTFUSE does. */
  warnUnknown(known: readonly string[]): void {
    for (const { key, keyPlace } of this.sections.flatMap(({ entries }) => entries)) {
      if (known.includes(key)) continue;
      const lowered = known.map((name) => name.toLowerCase());
      const near = nearestName(key, lowered)?.toUpperCase();
      const advice = near === undefined ? '' : `; did you mean ${near}?`;
      this.findings.warn(keyPlace, this.fullKey(key), `unknown key, ignored${advice}`);
    }
  }
}
