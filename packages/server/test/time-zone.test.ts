import { strict as assert } from 'node:assert';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseZoneFile } from '../src/time-zone.js';

test('the abbreviations of a time zone are read from its file', (context) => {
  if (!existsSync('/usr/share/zoneinfo/America/New_York')) {
    context.skip('there are no time zone files');
    return;
  }
  const { byOffset, periods } = parseZoneFile(readFileSync('/usr/share/zoneinfo/America/New_York'));
  assert.equal(byOffset.get(-5 * 3600), 'EST');
  assert.equal(byOffset.get(-4 * 3600), 'EDT');
  // The Eastern War Time had the offset of the summer time.
  assert.ok(periods.some(({ abbreviation }) => abbreviation === 'EWT'));
});

test('no file makes it fail', () => {
  const header = fc
    .uint8Array({ maxLength: 200 })
    .map((bytes) => Buffer.concat([Buffer.from('TZif2'), bytes]));
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 100 }), header), (bytes) => {
      parseZoneFile(Buffer.from(bytes));
    }),
  );
});
