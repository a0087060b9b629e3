import { zoneAbbreviation } from './time-zone.js';

/*
 * strftime(3) of glibc in the "C" locale and the local time zone, and the nanoseconds. A conversion is
 * % flags* width? [EO]? letter. Flags: _ pads with spaces, 0 with zeros, - not at all, ^ makes upper case, # swaps
 * it, + pads with zeros and signs long years. What is no conversion stays as it is, as in glibc.
 *
 * `%-` is the nine digits of the nanoseconds, unless a number follows that glibc's flag `-` leaves unpadded (`%-d`). `%N`
 * is the same digits whatever follows, and with a width its first digits (`%3N`: milliseconds), as in date(1).
 */

/** Renders a time: seconds since 1970 and nanoseconds. */
export type TimeFormat = (seconds: number, nanos: number) => string;

/** Times beyond the year 9999 come from nowhere but broken or hostile sources; they are shown as its last second. */
const SECONDS_MAX = 253_402_300_799;

type Conversion = (date: Date) => string;
/** A number: so many digits of the nanoseconds. */
type Piece = { text: string } | number | Conversion;

interface Shape {
  pad: string | undefined;
  upper: boolean;
  swap: boolean;
  plus: boolean;
  width: number;
}

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];
const WIDTH_MAX = 255;
const NANOSECOND_DIGITS = 9;

/** The alternative forms (%E and %O) are those of the "C" locale, which are the usual ones, for the letters that have any. */
const CONVERSION = /^([_0^#+-]*)([0-9]*)(?:E(?=[cCxXyY])|O(?=[BbCdeghHIjklmMSuUVwWyYGVZ]))?([A-Za-z%+])/;

/** Numbers: value, digits, and what they are padded with. */
const NUMBERS: Readonly<Record<string, [value: (date: Date) => number, digits: number, pad: string]>> = {
  C: [(date) => Math.floor(date.getFullYear() / 100), 2, '0'],
  d: [(date) => date.getDate(), 2, '0'],
  e: [(date) => date.getDate(), 2, ' '],
  g: [(date) => isoWeek(date).year % 100, 2, '0'],
  G: [(date) => isoWeek(date).year, 1, '0'],
  H: [(date) => date.getHours(), 2, '0'],
  I: [(date) => date.getHours() % 12 || 12, 2, '0'],
  j: [(date) => dayOfYear(date) + 1, 3, '0'],
  k: [(date) => date.getHours(), 2, ' '],
  l: [(date) => date.getHours() % 12 || 12, 2, ' '],
  m: [(date) => date.getMonth() + 1, 2, '0'],
  M: [(date) => date.getMinutes(), 2, '0'],
  s: [(date) => Math.floor(date.getTime() / 1000), 1, '0'],
  S: [(date) => date.getSeconds(), 2, '0'],
  u: [(date) => date.getDay() || 7, 1, '0'],
  U: [(date) => weekOfYear(date, 0), 2, '0'],
  V: [(date) => isoWeek(date).week, 2, '0'],
  w: [(date) => date.getDay(), 1, '0'],
  W: [(date) => weekOfYear(date, 1), 2, '0'],
  y: [(date) => date.getFullYear() % 100, 2, '0'],
  Y: [(date) => date.getFullYear(), 1, '0'],
};

const TEXTS: Readonly<Record<string, Conversion>> = {
  a: (date) => (DAYS[date.getDay()] ?? '').slice(0, 3),
  A: (date) => DAYS[date.getDay()] ?? '',
  b: (date) => (MONTHS[date.getMonth()] ?? '').slice(0, 3),
  B: (date) => MONTHS[date.getMonth()] ?? '',
  h: (date) => (MONTHS[date.getMonth()] ?? '').slice(0, 3),
  n: () => '\n',
  p: (date) => (date.getHours() < 12 ? 'AM' : 'PM'),
  P: (date) => (date.getHours() < 12 ? 'am' : 'pm'),
  t: () => '\t',
  Z: zoneAbbreviation,
  '%': () => '%',
};

/** Conversions that stand for others. */
const COMPOSED: Readonly<Record<string, string>> = {
  c: '%a %b %e %H:%M:%S %Y',
  D: '%m/%d/%y',
  r: '%I:%M:%S %p',
  R: '%H:%M',
  T: '%H:%M:%S',
  x: '%m/%d/%y',
  X: '%H:%M:%S',
};

/** Compiles a format. Rendering is cached for one second, because a second's batches differ in the nanoseconds only. */
export function compileTimeFormat(format: string): TimeFormat {
  const pieces = parse(format);
  let cachedSeconds = NaN;
  let cached: (string | number)[] = [];
  return (seconds, nanos) => {
    const second = Math.min(seconds, SECONDS_MAX);
    if (second !== cachedSeconds) {
      const date = new Date(second * 1000);
      cached = joinTexts(pieces.map((piece) => renderPiece(piece, date)));
      cachedSeconds = second;
    }
    const [only] = cached;
    if (cached.length === 1 && typeof only === 'string') return only;
    const digits = String(nanos).padStart(NANOSECOND_DIGITS, '0');
    return cached.map((text) => (typeof text === 'string' ? text : firstDigits(digits, text))).join('');
  };
}

/** Zeros follow what is finer than a nanosecond. */
function firstDigits(digits: string, count: number): string {
  return digits.slice(0, count).padEnd(count, '0');
}

/** A number stands for so many digits of the nanoseconds, which are not the same for a whole second. */
function renderPiece(piece: Piece, date: Date): string | number {
  if (typeof piece === 'function') return piece(date);
  return typeof piece === 'number' ? piece : piece.text;
}

function joinTexts(texts: (string | number)[]): (string | number)[] {
  const joined: (string | number)[] = [];
  for (const text of texts) {
    const previous = joined.at(-1);
    if (typeof text === 'string' && typeof previous === 'string') joined[joined.length - 1] = previous + text;
    else joined.push(text);
  }
  return joined;
}

function parse(format: string): Piece[] {
  const pieces: Piece[] = [];
  let rest = format;
  while (rest !== '') {
    const percent = rest.indexOf('%');
    if (percent !== 0) {
      pieces.push({ text: percent < 0 ? rest : rest.slice(0, percent) });
      rest = percent < 0 ? '' : rest.slice(percent);
      continue;
    }
    const { piece, length } = parseConversion(rest.slice(1));
    pieces.push(piece);
    rest = rest.slice(1 + length);
  }
  return pieces;
}

/** `text` is what follows a percent sign. */
function parseConversion(text: string): { piece: Piece; length: number } {
  const [whole = '', flags = '', width = '', letter = ''] = CONVERSION.exec(text) ?? [];
  const isUnpaddedNumber = flags.includes('-') && letter in NUMBERS;
  if (text.startsWith('-') && !isUnpaddedNumber) return { piece: NANOSECOND_DIGITS, length: 1 };
  if (letter === 'N') return { piece: shapeOf('', width).width || NANOSECOND_DIGITS, length: whole.length };
  const conversion = conversionFor(letter, shapeOf(flags, width));
  if (conversion === undefined) return { piece: { text: `%${whole}` }, length: whole.length };
  return { piece: conversion, length: whole.length };
}

function shapeOf(flags: string, width: string): Shape {
  const padding = flags.replace(/[^_0+-]/g, '').at(-1);
  const pads: Readonly<Record<string, string>> = { _: ' ', '0': '0', '-': '', '+': '0' };
  return {
    pad: padding === undefined ? undefined : pads[padding],
    upper: flags.includes('^'),
    swap: flags.includes('#'),
    plus: padding === '+',
    width: Math.min(Number(width || 0), WIDTH_MAX),
  };
}

function conversionFor(letter: string, shape: Shape): Conversion | undefined {
  const number = NUMBERS[letter];
  if (number !== undefined) return (date) => renderNumber(number, date, shape);
  if (letter === 'F') return (date) => renderDay(date, shape);
  if (letter === 'z') return (date) => renderOffset(date, shape);
  const composed = COMPOSED[letter];
  const text = composed === undefined ? TEXTS[letter] : compose(composed);
  if (text === undefined) return undefined;
  return (date) => changeCase(text(date), letter, shape).padStart(shape.width, shape.pad === '0' ? '0' : ' ');
}

function compose(format: string): Conversion {
  const pieces = parse(format);
  return (date) => pieces.map((piece) => String(renderPiece(piece, date))).join('');
}

function changeCase(text: string, letter: string, shape: Shape): string {
  // Lower case is what %P is for: glibc lets no flag undo it.
  if (letter === 'P') return text;
  if (shape.swap && (letter === 'p' || letter === 'Z')) return text.toLowerCase();
  const raises = shape.upper || (shape.swap && 'aAbBh'.includes(letter));
  return raises ? text.toUpperCase() : text;
}

function renderNumber(
  [value, digits, usualPad]: [value: (date: Date) => number, digits: number, pad: string],
  date: Date,
  shape: Shape,
): string {
  const text = String(value(date));
  const pad = shape.pad ?? usualPad;
  if (pad === '') return text;
  return text.padStart(Math.max(digits, shape.width), pad);
}

/** Year, month and day; a width pads the year. */
function renderDay(date: Date, shape: Shape): string {
  const twoDigits = (value: number): string => String(value).padStart(2, '0');
  const year = String(date.getFullYear()).padStart(shape.pad === '' ? 0 : shape.width - 6, shape.pad ?? '0');
  return `${year}-${twoDigits(date.getMonth() + 1)}-${twoDigits(date.getDate())}`;
}

/** +hhmm; a width pads between the sign and the digits. */
function renderOffset(date: Date, shape: Shape): string {
  const minutes = -date.getTimezoneOffset();
  const sign = minutes < 0 ? '-' : '+';
  const digits = String(Math.floor(Math.abs(minutes) / 60) * 100 + (Math.abs(minutes) % 60));
  if (shape.pad === ' ') return `${sign}${digits}`.padStart(Math.max(5, shape.width), ' ');
  return sign + digits.padStart(Math.max(4, shape.width - 1), '0');
}

/** 0 for the first of January. */
function dayOfYear(date: Date): number {
  const day = Date.UTC(date.getFullYear(), date.getMonth(), date.getDate());
  return Math.round((day - Date.UTC(date.getFullYear(), 0, 1)) / 86_400_000);
}

/** Weeks since the year's first one that starts on `firstDay` (0: Sunday). */
function weekOfYear(date: Date, firstDay: number): number {
  const daysSince = (date.getDay() + 7 - firstDay) % 7;
  return Math.floor((dayOfYear(date) + 7 - daysSince) / 7);
}

/** A week belongs to the year that its Thursday is in. */
function isoWeek(date: Date): { year: number; week: number } {
  const daysSinceMonday = (date.getDay() + 6) % 7;
  const thursday = new Date(date.getFullYear(), date.getMonth(), date.getDate() - daysSinceMonday + 3);
  return { year: thursday.getFullYear(), week: Math.floor(dayOfYear(thursday) / 7) + 1 };
}
