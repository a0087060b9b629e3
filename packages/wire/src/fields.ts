import { WireError } from './errors.js';
import { TEXT_LENGTH_MAX } from './limits.js';

/* Typed fields out of a decoded map. Each throws WireError when the field is missing or of another kind. */

/** Items of a list of names: there are never more than a few. */
const LIST_LENGTH_MAX = 16;

type Fields = Readonly<Record<string, unknown>>;

const UINT32_MAX = 0xffff_ffff;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** A whole number of 32 bits. */
export function count(map: Fields, key: string): number {
  const value = position(map, key);
  if (value > UINT32_MAX) throw unfit(key);
  return value;
}

/** A whole number below 2^53. */
export function position(map: Fields, key: string): number {
  const value = map[key];
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw unfit(key);
  return value;
}

export function text(map: Fields, key: string): string {
  const value = map[key];
  if (typeof value !== 'string' || value.length > TEXT_LENGTH_MAX) throw unfit(key);
  return value;
}

export function optionalText(map: Fields, key: string): string | undefined {
  return map[key] === undefined || map[key] === null ? undefined : text(map, key);
}

/** A short list of texts; undefined when the key is absent. */
export function optionalTexts(map: Fields, key: string): string[] | undefined {
  const value = map[key];
  if (value === undefined || value === null) return undefined;
  if (!Array.isArray(value) || value.length > LIST_LENGTH_MAX) throw unfit(key);
  return value.map((item: unknown) => text({ [key]: item }, key));
}

/** Text that is not empty and has at most `bytesMax` bytes in UTF-8. */
export function textOfBytes(map: Fields, key: string, bytesMax: number): string {
  const value = text(map, key);
  if (value === '' || Buffer.byteLength(value) > bytesMax) throw unfit(key);
  return value;
}

/** A UUID in lower case: safe as a file name and as a key. */
export function uuid(map: Fields, key: string): string {
  const value = text(map, key);
  if (!UUID.test(value)) throw unfit(key);
  return value;
}

export function choice<const T extends string>(map: Fields, key: string, allowed: readonly T[]): T {
  const value = allowed.find((one) => one === map[key]);
  if (value === undefined) throw unfit(key);
  return value;
}

function unfit(key: string): WireError {
  return new WireError('malformed', `a message whose "${key}" is missing or of the wrong kind`);
}
