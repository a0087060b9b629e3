import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import fc from 'fast-check';
import { periodStart } from '../src/rotate-period.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

function inZone(zone: string, action: () => void): void {
  const before = process.env['TZ'];
  process.env['TZ'] = zone;
  try {
    action();
  } finally {
    if (before === undefined) delete process.env['TZ'];
    else process.env['TZ'] = before;
  }
}

test('days begin at local midnight, hours at full hours, weeks on Mondays', () => {
  const rows: [zone: string, everyMs: number, now: string, expected: string][] = [
    ['UTC', DAY, '2024-01-31T23:59:59.999Z', '2024-01-31T00:00:00Z'],
    ['UTC', DAY, '2024-02-01T00:00:00Z', '2024-02-01T00:00:00Z'],
    ['Asia/Tokyo', DAY, '2024-01-31T14:59:59Z', '2024-01-30T15:00:00Z'],
    ['Asia/Tokyo', DAY, '2024-01-31T15:00:00Z', '2024-01-31T15:00:00Z'],
    ['Asia/Kolkata', HOUR, '2024-01-31T15:29:59Z', '2024-01-31T14:30:00Z'],
    ['Asia/Kolkata', 15 * MINUTE, '2024-01-31T15:29:59Z', '2024-01-31T15:15:00Z'],
    ['America/New_York', 10_000, '2024-01-31T15:29:59Z', '2024-01-31T15:29:50Z'],
    ['Europe/Berlin', 6 * HOUR, '2024-01-31T15:29:59Z', '2024-01-31T11:00:00Z'],
    ['Europe/Berlin', 7 * DAY, '2024-01-31T15:29:59Z', '2024-01-28T23:00:00Z'],
    // A day of 23 hours, and one of 25.
    ['Europe/Berlin', DAY, '2024-03-31T12:00:00Z', '2024-03-30T23:00:00Z'],
    ['Europe/Berlin', DAY, '2024-03-31T22:00:00Z', '2024-03-31T22:00:00Z'],
    ['Europe/Berlin', DAY, '2024-10-27T12:00:00Z', '2024-10-26T22:00:00Z'],
    ['Europe/Berlin', DAY, '2024-10-27T22:59:59Z', '2024-10-26T22:00:00Z'],
    ['Europe/Berlin', DAY, '2024-10-27T23:00:00Z', '2024-10-27T23:00:00Z'],
    ['Europe/Berlin', HOUR, '2024-10-27T01:10:00Z', '2024-10-27T01:00:00Z'],
  ];
  for (const [zone, everyMs, now, expected] of rows) {
    inZone(zone, () => {
      const found = new Date(periodStart(everyMs, new Date(now))).toISOString();
      assert.equal(found, new Date(expected).toISOString(), `${everyMs} at ${now} in ${zone}`);
    });
  }
});

test('a period has begun, never comes back, and is over in time', () => {
  const everies = fc.constantFrom(
    1000,
    MINUTE,
    7 * MINUTE,
    HOUR,
    90 * MINUTE,
    6 * HOUR,
    DAY,
    3 * DAY,
    7 * DAY,
  );
  const zones = fc.constantFrom(
    'UTC',
    'Europe/Berlin',
    'America/New_York',
    'Asia/Kolkata',
    'Australia/Lord_Howe',
  );
  const times = fc.integer({ min: 1_500_000_000, max: 1_900_000_000 });
  fc.assert(
    fc.property(
      everies,
      zones,
      times,
      fc.integer({ min: 0, max: 3 * 86_400 }),
      (everyMs, zone, seconds, laterBy) => {
        inZone(zone, () => {
          const start = periodStart(everyMs, new Date(seconds * 1000));
          assert.ok(start <= seconds * 1000);
          // Summer time makes a period longer by an hour at most.
          assert.ok(seconds * 1000 - start < everyMs + HOUR);
          assert.ok(periodStart(everyMs, new Date((seconds + laterBy) * 1000)) >= start);
        });
      },
    ),
  );
});
