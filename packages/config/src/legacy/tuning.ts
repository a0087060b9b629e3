import type { Findings } from './findings.js';
import { TUNING_BOOLEANS, TUNING_INTEGERS } from './keys.js';
import type { Values } from './values.js';

/** Checks the keys that only tune what is not there any more, and names all of them in one warning. */
export function warnAboutTuning(sections: readonly Values[], findings: Findings): void {
  const given = sections.flatMap((values) => tuningKeysOf(values));
  const [first] = given;
  if (first === undefined) return;
  const names = [...new Set(given.map(({ key }) => key))].join(', ');
  findings.warn(
    first.keyPlace,
    '',
    `without effect, because there is no shared memory, no POSIX queue and no K2HASH table to tune: ${names}`,
  );
}

function tuningKeysOf(values: Values) {
  const integers = TUNING_INTEGERS[values.name] ?? [];
  const booleans = TUNING_BOOLEANS[values.name] ?? [];
  for (const key of integers) values.integer(key);
  for (const key of booleans) values.boolean(key);
  return [...integers, ...booleans].map((key) => values.entry(key)).filter((entry) => entry !== undefined);
}
