import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  MountOptionError,
  NO_MOUNT_OPTIONS,
  readMountOptions,
  type MountOptions,
} from '../src/mount-options.js';
import { splitOptionList } from '../src/option-list.js';

const read = (list: string, sloppy = false) => readMountOptions(splitOptionList(list), { sloppy });

void test('each option has its effect', () => {
  const rows: [list: string, expected: Partial<MountOptions>][] = [
    ['', {}],
    ['conf=/etc/k2hft.ini', { configuration: { file: '/etc/k2hft.ini' } }],
    ['CONF=/etc/k2hft.ini', { configuration: { file: '/etc/k2hft.ini' } }],
    ['json={"host":"a"\\,"rules":[]}', { configuration: { json: '{"host":"a","rules":[]}' } }],
    ['json=/etc/k2hft.json', { configuration: { file: '/etc/k2hft.json' } }],
    ['conf={"host":"a"}', { configuration: { json: '{"host":"a"}' } }],
    ['allow_other', { allowOther: true }],
    ['allow_other,noallow_other', { allowOther: false }],
    ['umask=022', { umask: 0o22 }],
    ['umask=7027', { umask: 0o27 }],
    ['uid=1000,gid=adm', { uid: '1000', gid: 'adm' }],
    ['dbglevel=silent', { level: 'silent' }],
    ['dbglevel=DUMP', { level: 'debug' }],
    ['dbglevel=err,dbglevel=wan', { level: 'warn' }],
    ['dbglevel=err,debug', { level: 'debug' }],
    [
      'log_file=/var/log/k2hft.log,pid_file=/run/k2hft.pid',
      { logFile: '/var/log/k2hft.log', pidFile: '/run/k2hft.pid' },
    ],
    ['fsname=logs', { source: 'logs' }],
    ['rw,nosuid,nodev,noexec,relatime', { flags: ['rw', 'nosuid', 'nodev', 'noexec', 'relatime'] }],
    [
      'enable_run_chmpx,disable_run_chmpx,chmpxlog=/tmp/c',
      { ignored: ['enable_run_chmpx', 'disable_run_chmpx', 'chmpxlog'] },
    ],
    ['default_permissions,attr_timeout=3', { ignored: ['default_permissions', 'attr_timeout'] }],
    ['defaults,auto,noauto,user,nouser,_netdev,nofail,comment=x,x-systemd.automount,X-mount.mkdir', {}],
  ];
  for (const [list, expected] of rows)
    assert.deepEqual(read(list), { ...NO_MOUNT_OPTIONS, ...expected }, list);
});

void test('what cannot be obeyed is wrong usage, with what to do', () => {
  const rows: [list: string, expected: RegExp][] = [
    ['alow_other', /unknown option "alow_other" in -o; is allow_other meant\?/],
    ['umaks=022', /is umask meant\?/],
    ['colour=red', /unknown option "colour" in -o \(a comma/],
    ['conf', /conf needs a value/],
    ['uid=', /uid needs a value/],
    ['conf=/a.ini,conf=/b.ini', /given twice/],
    ['conf=/a.ini,json={}', /given twice/],
    ['umask=028', /umask=028: expected octal/],
    ['dbglevel=loud', /dbglevel=loud: expected one of silent err/],
    ['remount,ro', /umount it and mount it again/],
  ];
  for (const [list, expected] of rows)
    assert.throws(
      () => read(list),
      (error: unknown) => error instanceof MountOptionError && expected.test(error.message),
      list,
    );
});

void test('sloppy passes over what is unknown', () => {
  assert.deepEqual(read('colour=red,umask=0', true), { ...NO_MOUNT_OPTIONS, umask: 0, ignored: ['colour'] });
});
