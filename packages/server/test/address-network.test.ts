import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { networkOf } from '../src/address-network.js';

const ROWS: readonly (readonly [address: string, network: string])[] = [
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '::ffff:192.0.2.1'],
  ['::1', '0:0:0:0::/64'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8:1:2::6', '2001:db8:1:2::/64'],
  ['2001:db8::1:2:3:4:5', '2001:db8:0:1::/64'],
  ['2001:db8:1:2:ffff::', '2001:db8:1:2::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
];

for (const [address, network] of ROWS) {
  test(`${address} is counted with ${network}`, () => {
    assert.equal(networkOf(address), network);
  });
}
