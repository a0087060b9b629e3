import { strict as assert } from 'node:assert';
import { execFileSync, spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { compileTimeFormat } from '../src/strftime.js';

/** Conversions that date(1) and strftime(3) of glibc share. */
const CONVERSIONS = 'aAbBcCdDeFgGhHIjklmMnpPrRsStTuUVwWxXyYzZ%';

const FORMATS = [
  ...[...CONVERSIONS.matchAll(/./g)].map(([letter]) => `%${letter}`),
  ...[...'CdeHIjklmMSuUVwWyY'.matchAll(/./g)].flatMap(([letter]) => [
    `%-${letter}`,
    `%_${letter}`,
    `%0${letter}`,
    `%6${letter}`,
    `%_6${letter}`,
  ]),
  ...[...'aAbBhpZ'.matchAll(/./g)].flatMap(([letter]) => [`%^${letter}`, `%#${letter}`, `%12${letter}`]),
  ...[...'DFrRTxXc'.matchAll(/./g)].flatMap(([letter]) => [`%30${letter}`, `%^${letter}`]),
  ...['%Ey', '%Od', '%EY', '%OH', '%Ec', '%EX', '%OV', '%OU', '%8z', '%_z'],
  ...['%Ed', '%Ea', '%EH', '%i'].map((conversion) => `(${conversion})`),
  '%^P',
  '%#P',
  'plain',
  'é %Y %%',
  '[%F %T%z]',
  '%Y%m%d%H%M%S',
];

const SECONDS = [
  0, 1, 86_399, 867_564_229, 951_782_400, 1_000_000_000, 1_230_768_000, 1_704_067_199, 1_719_792_000,
  1_735_689_599, 4_102_444_800,
];

/** Times all over 140 years, and the seconds around the changes from and to summer time in Europe and America. */
const MANY_SECONDS = [
  ...Array.from({ length: 150 }, (_each, index) => (index * 2_654_435_761) % 4_400_000_000),
  ...[1_711_846_800, 1_729_990_800, 1_710_054_000, 1_730_613_600].flatMap((change) => [change - 1, change]),
];

const ZONES = ['UTC', 'Asia/Tokyo', 'America/New_York', 'Europe/Berlin', 'Asia/Kolkata', 'America/St_Johns'];

function dateOf(format: string, seconds: number, zone: string): string {
  const output = execFileSync('date', ['-d', `@${seconds}`, `+${format}`], {
    env: { ...process.env, TZ: zone, LC_ALL: 'C.UTF-8' },
  });
  return output.toString().replace(/\n$/, '');
}

function inZone<T>(zone: string, action: () => T): T {
  const before = process.env['TZ'];
  process.env['TZ'] = zone;
  try {
    return action();
  } finally {
    if (before === undefined) delete process.env['TZ'];
    else process.env['TZ'] = before;
  }
}

test('every conversion is what date(1) says', (context) => {
  const separator = '\x1f';
  for (const zone of ZONES) {
    for (const seconds of SECONDS) {
      const expected = dateOf(FORMATS.join(separator), seconds, zone).split(separator);
      if (zone === 'UTC' && expected.length !== FORMATS.length) {
        context.skip('date(1) of this system is not that of GNU');
        return;
      }
      inZone(zone, () => {
        FORMATS.forEach((format, index) => {
          assert.equal(
            compileTimeFormat(format)(seconds, 0),
            expected[index],
            `${format} of ${seconds} in ${zone}`,
          );
        });
      });
    }
  }
});

test('so it is at many times, on both sides of the changes of summer time', (context) => {
  const all = CONVERSIONS.split('')
    .map((letter) => (letter === 'n' ? '%%n' : `%${letter}`))
    .join('|');
  for (const zone of ZONES) {
    const asked = spawnSync('date', ['-f', '-', `+${all}`], {
      env: { ...process.env, TZ: zone, LC_ALL: 'C.UTF-8' },
      input: MANY_SECONDS.map((seconds) => `@${seconds}\n`).join(''),
      encoding: 'utf8',
    });
    const expected = asked.stdout.trimEnd().split('\n');
    if (expected.length !== MANY_SECONDS.length) {
      context.skip('date(1) of this system is not that of GNU');
      return;
    }
    inZone(zone, () => {
      const format = compileTimeFormat(all);
      MANY_SECONDS.forEach((seconds, index) => {
        assert.equal(format(seconds, 0), expected[index], `${seconds} in ${zone}`);
      });
    });
  }
});

test('%N is the nanoseconds whatever follows, and its first digits, as date(1) has them', () => {
  inZone('UTC', () => {
    const rows: [format: string, expected: string][] = [
      ['%N', '012345678'],
      ['%3N', '012'],
      ['%T.%6N', '00:00:07.012345'],
      ['%12N', '012345678000'],
      ['%Nd', '012345678d'],
    ];
    for (const [format, expected] of rows)
      assert.equal(compileTimeFormat(format)(7, 12_345_678), expected, format);
  });
});

test('the nanoseconds are nine digits, unless a number follows that may go unpadded', () => {
  inZone('UTC', () => {
    const rows: [format: string, expected: string][] = [
      ['%-', '000000042'],
      ['%F %T(%s %-)', '1970-01-01 00:00:07(7 000000042)'],
      ['%T.%-', '00:00:07.000000042'],
      ['%-x', '000000042x'],
      ['%-d', '1'],
      ['%-%-', '000000042000000042'],
      ['%-%S', '00000004207'],
    ];
    for (const [format, expected] of rows) assert.equal(compileTimeFormat(format)(7, 42), expected, format);
  });
});

test('a format renders another second, and nanoseconds of the same one', () => {
  inZone('UTC', () => {
    const format = compileTimeFormat('%T.%-');
    assert.equal(format(1, 1), '00:00:01.000000001');
    assert.equal(format(1, 2), '00:00:01.000000002');
    assert.equal(format(2, 3), '00:00:02.000000003');
    assert.equal(format(1, 4), '00:00:01.000000004');
  });
});

test('what is no conversion stays, and no time makes it fail', () => {
  inZone('UTC', () => {
    assert.equal(compileTimeFormat('%')(0, 0), '%');
    assert.equal(compileTimeFormat('100%')(0, 0), '100%');
    assert.equal(compileTimeFormat('%q%Y')(0, 0), '%q1970');
    assert.equal(compileTimeFormat('')(0, 0), '');
    assert.equal(compileTimeFormat('%F')(Number.MAX_SAFE_INTEGER, 0), '9999-12-31');
    assert.ok(compileTimeFormat('%300d')(0, 0).length < 300);
  });
});
