import assert from 'node:assert/strict';
import { test } from 'node:test';
import { translateLegacyArguments } from '../src/legacy-arguments.js';

void test("K2HFTFUSE's command line becomes k2hft mount, everything else stays", () => {
  const rows: [given: string, expected: string][] = [
    ['/mnt -f -o conf=/etc/x.ini', 'mount /mnt -f -o conf=/etc/x.ini'],
    ['/mnt -o allow_other,conf=/etc/x.ini', 'mount --daemon /mnt -o allow_other,conf=/etc/x.ini'],
    ['/mnt', 'mount --daemon /mnt'],
    ['-f /mnt', 'mount -f /mnt'],
    ['-o rw /mnt -d', 'mount -o rw /mnt -d'],
    ['-o rw /mnt', 'mount --daemon -o rw /mnt'],
    ['/etc/k,1.yaml /mnt -o rw', 'mount --daemon /mnt -c /etc/k,1.yaml -o fsname=/etc/k\\,1.yaml -o rw'],
    ['', ''],
    ['--version', '--version'],
    ['-h', '-h'],
    ['mount /mnt -o rw', 'mount /mnt -o rw'],
    ['umount /mnt', 'umount /mnt'],
    ['status', 'status'],
    ['nonsense', 'nonsense'],
    ['-f', '-f'],
  ];
  const words = (line: string) => line.split(' ').filter((word) => word !== '');
  for (const [given, expected] of rows)
    assert.deepEqual(translateLegacyArguments(words(given)), words(expected), given);
});
