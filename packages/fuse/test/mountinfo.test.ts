import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMountinfo, topMount } from '../src/index.js';

const TEXT = `22 1 254:0 / / rw,relatime shared:1 master:2 - ext4 /dev/vda rw,discard
40 22 0:39 / /mnt/with\\040space\\011tab\\134and\\012line rw,relatime - fuse.k2hft k2hft rw,user_id=0
41 40 0:40 / /mnt/with\\040space\\011tab\\134and\\012line rw,relatime shared:9 - fuse.k2hft a\\040b rw,user_id=0
not a mount
`;

test('each line is a mount, with octal escapes undone', () => {
  assert.deepEqual(parseMountinfo(TEXT), [
    {
      mountId: 22,
      parentId: 1,
      device: '254:0',
      point: '/',
      options: 'rw,relatime',
      type: 'ext4',
      source: '/dev/vda',
    },
    {
      mountId: 40,
      parentId: 22,
      device: '0:39',
      point: '/mnt/with space\ttab\\and\nline',
      options: 'rw,relatime',
      type: 'fuse.k2hft',
      source: 'k2hft',
    },
    {
      mountId: 41,
      parentId: 40,
      device: '0:40',
      point: '/mnt/with space\ttab\\and\nline',
      options: 'rw,relatime',
      type: 'fuse.k2hft',
      source: 'a b',
    },
  ]);
});

test('of mounts on one point the covering one is met', () => {
  const mounts = parseMountinfo(TEXT);
  assert.equal(topMount(mounts, '/mnt/with space\ttab\\and\nline')?.mountId, 41);
  assert.equal(topMount(mounts.toReversed(), '/mnt/with space\ttab\\and\nline')?.mountId, 41);
  assert.equal(topMount(mounts, '/mnt'), undefined);
});
