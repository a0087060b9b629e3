/** Sizes and durations as text. Whole bytes and whole milliseconds inside, whatever the unit outside. */

interface Unit {
  readonly name: string;
  readonly factor: number;
}

const KIB = 1024;

/** From large to small, so that formatting meets the most readable one first. */
const SIZE_UNITS: readonly Unit[] = [
  { name: 'GiB', factor: KIB ** 3 },
  { name: 'MiB', factor: KIB ** 2 },
  { name: 'KiB', factor: KIB },
  { name: 'GB', factor: 1e9 },
  { name: 'MB', factor: 1e6 },
  { name: 'KB', factor: 1e3 },
  { name: 'B', factor: 1 },
];

const DURATION_UNITS: readonly Unit[] = [
  { name: 'd', factor: 86_400_000 },
  { name: 'h', factor: 3_600_000 },
  { name: 'm', factor: 60_000 },
  { name: 's', factor: 1000 },
  { name: 'ms', factor: 1 },
];

export const SIZE_UNIT_NAMES = SIZE_UNITS.map((unit) => unit.name).toReversed();
export const DURATION_UNIT_NAMES = DURATION_UNITS.map((unit) => unit.name).toReversed();

/** Bytes; a bare number is bytes. undefined for anything that is not a whole number of bytes. */
export function parseSize(text: string): number | undefined {
  return parseQuantity(text, SIZE_UNITS, 1);
}

/** Milliseconds; a bare number is seconds. undefined for anything that is not a whole number of milliseconds. */
export function parseDuration(text: string): number | undefined {
  return parseQuantity(text, DURATION_UNITS, 1000);
}

export function formatSize(bytes: number): string {
  return bytes === 0 ? '0B' : shortest(bytes, SIZE_UNITS);
}

export function formatDuration(milliseconds: number): string {
  return milliseconds === 0 ? '0s' : shortest(milliseconds, DURATION_UNITS);
}

const QUANTITY = /^(\d+(?:\.\d+)?)\s*([A-Za-z]*)$/;

/** How far a fraction such as 1.1 may miss a whole number because it has no exact binary form. */
const WHOLE_TOLERANCE = 1e-6;

function parseQuantity(text: string, units: readonly Unit[], bareFactor: number): number | undefined {
  const [, digits, unitName] = QUANTITY.exec(text.trim()) ?? [];
  if (digits === undefined || unitName === undefined) return undefined;
  const factor = unitName === '' ? bareFactor : units.find((unit) => unit.name === unitName)?.factor;
  if (factor === undefined) return undefined;
  const exact = Number(digits) * factor;
  const whole = Math.round(exact);
  return Math.abs(exact - whole) <= WHOLE_TOLERANCE && Number.isSafeInteger(whole) ? whole : undefined;
}

function shortest(quantity: number, units: readonly Unit[]): string {
  const texts = units
    .filter((unit) => quantity % unit.factor === 0)
    .map((unit) => `${quantity / unit.factor}${unit.name}`);
  return texts.reduce((best, text) => (text.length < best.length ? text : best));
}
