import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ServerCounters } from '../src/server-counters.js';
import { lagNow } from '../src/web-lag.js';
import { AwaySources, type Presence } from '../src/web-presence.js';
import { RateMeter } from '../src/web-rates.js';
import { listSources, sourceRows } from '../src/web-sources.js';

const HOUR_MS = 60 * 60 * 1000;

function presence(id: string, changed: Partial<Presence> = {}): Presence {
  return {
    id,
    host: `host-${id}`,
    software: 'k2hft 1',
    address: '192.0.2.1:5',
    connectedAtMs: 1000,
    unacknowledgedBatches: 0,
    ...changed,
  };
}

function rowsOf(connected: Presence[], away = new AwaySources(), nowMs = 5000) {
  const counters = new ServerCounters();
  for (const { id, host } of connected) counters.ofSource(id, host);
  return sourceRows({
    connected,
    away: away.list(new Set(connected.map(({ id }) => id)), nowMs),
    counters: new Map([...counters.sources()].map((source) => [source.uuid, source])),
    rates: new RateMeter(),
    nowMs,
  });
}

test('what is late is what came late, or came and is not safe yet', () => {
  const arrivals = { lastAtMs: 10_000, lagMs: 50 };
  assert.equal(lagNow(arrivals, 0, 12_000), 50);
  assert.equal(lagNow(arrivals, 0, 25_000), null, 'what came long ago says nothing about now');
  assert.equal(lagNow(arrivals, 3, 25_000), 15_050);
  assert.equal(lagNow({ lastAtMs: undefined, lagMs: undefined }, 0, 25_000), null);
});

test('a source that went away is remembered for a day', () => {
  const away = new AwaySources();
  away.left(presence('a'), 0);
  away.left(presence('b'), 2 * HOUR_MS);
  assert.deepEqual(
    away.list(new Set(), 3 * HOUR_MS).map(({ id, seenAtMs }) => [id, seenAtMs]),
    [
      ['a', 0],
      ['b', 2 * HOUR_MS],
    ],
  );
  assert.deepEqual(
    away.list(new Set(), 25 * HOUR_MS).map(({ id }) => id),
    ['b'],
  );
});

test('a source that came back, or that has another connection, is not away', () => {
  const away = new AwaySources();
  away.left(presence('a'), 0);
  const rows = rowsOf([presence('a', { connectedAtMs: 10 }), presence('a', { connectedAtMs: 20 })], away);
  assert.equal(rows.length, 1);
  assert.equal(rows[0]?.connectedAtMs, 20);
  assert.deepEqual(away.list(new Set(), 5000), []);
});

test('ten thousand sources that came and went do not fill the memory', () => {
  const away = new AwaySources();
  for (let index = 0; index < 10_000; index++) away.left(presence(String(index)), index);
  const left = away.list(new Set(), 10_000);
  assert.ok(left.length <= 2000);
  assert.equal(left.at(-1)?.id, '9999');
});

test('two connections of one source are one row, with what both have not been acknowledged', () => {
  const rows = rowsOf([
    presence('a', { unacknowledgedBatches: 2, address: '192.0.2.1:9', connectedAtMs: 3000 }),
    presence('a', { unacknowledgedBatches: 3 }),
  ]);
  assert.equal(rows.length, 1);
  assert.equal(rows[0]?.unacknowledgedBatches, 5);
  assert.equal(rows[0].address, '192.0.2.1:9');
});

test('of a thousand sources the first are listed; the filter finds the others', () => {
  const away = new AwaySources();
  away.left(presence('gone', { host: 'aaa' }), 4000);
  const connected = Array.from({ length: 1000 }, (_, index) =>
    presence(`id${String(index).padStart(4, '0')}`),
  );
  const rows = rowsOf(connected, away);
  const listing = listSources(rows, '', 'host');
  assert.equal(listing.all, 1001);
  assert.equal(listing.matching, 1001);
  assert.equal(listing.rows.length, 100);
  assert.equal(listing.rows[0]?.id, 'id0000', 'who is away comes after who is connected');
  const found = listSources(rows, 'id099', 'host');
  assert.equal(found.matching, 10);
  assert.deepEqual(
    listSources(rows, 'AAA'.toLowerCase(), 'bytes').rows.map(({ id }) => id),
    ['gone'],
  );
});

test('control characters in names are escaped', () => {
  const [row] = rowsOf([presence('a', { host: 'a\u202eb\n', software: '\u001b[31m' })]);
  assert.equal(row?.host, 'a\\u{202e}b\\x0a');
  assert.equal(row.software, '\\x1b[31m');
});
