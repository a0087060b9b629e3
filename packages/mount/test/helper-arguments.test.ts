import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readHelperArguments } from '../src/helper-arguments.js';
import { MountOptionError } from '../src/mount-options.js';
import { mountStatusOf } from '../src/mount-status.js';

const read = (line: string) => {
  const { positional, letters, optionLists } = readHelperArguments(line.split(' '), 'sfnv');
  return [positional.join(' '), [...letters].join(''), optionLists.join(' ')];
};

void test('arguments are read as mount(8) gives them, in any order', () => {
  const rows: [line: string, expected: string[]][] = [
    ['/etc/k2hft.yaml /mnt', ['/etc/k2hft.yaml /mnt', '', '']],
    ['/etc/k2hft.yaml /mnt -o rw,allow_other', ['/etc/k2hft.yaml /mnt', '', 'rw,allow_other']],
    ['k2hft /mnt -sv -n -o rw -o conf=/x -t k2hft', ['k2hft /mnt', 'svn', 'rw conf=/x']],
    ['-f -orw a b -tfuse.k2hft', ['a b', 'f', 'rw']],
  ];
  for (const [line, expected] of rows) assert.deepEqual(read(line), expected, line);
});

void test('what it does not know is wrong usage', () => {
  for (const line of ['a b -x', 'a b -o', 'a b --help', 'a b -N /proc/1/ns/mnt'])
    assert.throws(() => read(line), MountOptionError, line);
});

void test('exit statuses are those of mount(8)', () => {
  const rows = [
    [0, 0],
    [64, 1],
    [77, 1],
    [69, 32],
    [78, 32],
    [70, 4],
  ] as const;
  for (const [ours, expected] of rows) assert.equal(mountStatusOf(ours), expected);
});
