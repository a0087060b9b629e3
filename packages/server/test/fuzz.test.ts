import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { fuzz } from './fuzz.js';

/** More than it ever took; what is without a bound takes gigabytes in this time. */
const MEGABYTES_MAX = 1200;

test('whatever is sent by whomever, the service goes on for the honest, in bounded memory', async (context) => {
  const result = await fuzz(context, { seconds: 6, seed: 4, connections: 2000 });
  context.diagnostic(JSON.stringify(result));
  assert.ok(result.attacks > 20);
  assert.ok(result.megabytes.peak < MEGABYTES_MAX, `${result.megabytes.peak} MB`);
});
