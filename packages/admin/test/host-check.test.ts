import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isHostAllowed } from '../src/host-check.js';

const CASES: readonly [listen: string, header: string | undefined, allowed: boolean][] = [
  ['127.0.0.1', '127.0.0.1:9106', true],
  ['127.0.0.1', 'localhost', true],
  ['127.0.0.1', 'LOCALHOST:9106', true],
  ['127.0.0.1', 'k2hft.localhost:9106', true],
  ['::1', '[::1]:9106', true],
  ['127.0.0.1', undefined, true],
  ['127.0.0.1', 'elsewhere.example:9106', false],
  ['localhost', '127.0.0.1.elsewhere.example', false],
  ['::1', '[', false],
  ['0.0.0.0', 'agg1.example.com:9106', true],
];

for (const [listen, header, allowed] of CASES) {
  void test(`on ${listen}, ${header ?? 'no host'} is ${allowed ? 'answered' : 'refused'}`, () => {
    assert.equal(isHostAllowed(listen, header), allowed);
  });
}
