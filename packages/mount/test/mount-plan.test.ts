import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '@k2hft/test-harness';
import { CommandError } from '../src/failure.js';
import { planMount, type MountRequest } from '../src/mount-plan.js';
import { splitOptionList } from '../src/option-list.js';

const CONTENT = {
  mount: { point: '/from-file', uid: 5, umask: '077', allow_other: 'no' },
  servers: { urls: ['ws://127.0.0.1:1'] },
  log: { level: 'warn', format: 'json' },
};
const JSON_TEXT = JSON.stringify(CONTENT);

function plan(list: string, request: Partial<MountRequest> = {}, env: NodeJS.ProcessEnv = {}) {
  return planMount({ json: JSON_TEXT, ...request, options: splitOptionList(list) }, env);
}

void test('options win over the environment, and that over the file', () => {
  const { settings, mountPoint, source, flags } = plan('');
  assert.equal(mountPoint, '/from-file');
  assert.deepEqual([source, flags], [undefined, []]);
  const { uid, umask, allowOther } = settings.mount;
  assert.deepEqual([uid, umask, allowOther], [5, 0o77, false]);
  assert.deepEqual(settings.log, { level: 'warn', format: 'json' });

  const changed = plan('uid=daemon,gid=7,umask=022,allow_other,noexec', { point: '/given', source: 'here' });
  assert.equal(changed.mountPoint, '/given');
  assert.deepEqual([changed.source, changed.flags], ['here', ['noexec']]);
  assert.deepEqual(
    [changed.settings.mount.uid, changed.settings.mount.gid, changed.settings.mount.umask],
    [1, 7, 0o22],
  );
  assert.equal(changed.settings.mount.allowOther, true);

  const rows: [list: string, mode: string | undefined, level: string][] = [
    ['', undefined, 'warn'],
    ['', 'DUMP', 'debug'],
    ['dbglevel=err', 'DUMP', 'error'],
    ['debug,dbglevel=silent', undefined, 'silent'],
    ['', 'loud', 'warn'],
  ];
  for (const [list, mode, level] of rows)
    assert.equal(plan(list, {}, { K2HFTDBGMODE: mode }).settings.log.level, level, `${list} ${mode ?? ''}`);
});

void test('other users must be let in only where somebody asked for it', () => {
  const json = (mount: Record<string, unknown>) =>
    JSON.stringify({ ...CONTENT, mount: { point: '/p', ...mount } });
  const must = (list: string, mount: Record<string, unknown>) =>
    plan(list, { json: json(mount) }).mustAllowOther;
  assert.equal(must('', {}), false);
  assert.equal(must('allow_other', {}), true);
  assert.equal(must('', { allow_other: 'yes' }), true);
  assert.equal(must('', { allow_other: 'no' }), false);
  assert.equal(must('noallow_other', { allow_other: 'yes' }), false);
  assert.equal(must('allow_other', { allow_other: 'no' }), true);
});

void test('log and pid file: the option, the flag, the variable, in this order', () => {
  const env = { K2HFTDBGFILE: '/variable' };
  assert.equal(plan('', {}, env).logFile, '/variable');
  assert.equal(plan('', { logFile: '/flag', pidFile: '/p' }, env).logFile, '/flag');
  const both = plan('log_file=/option,pid_file=/o', { logFile: '/flag', pidFile: '/p' }, env);
  assert.deepEqual([both.logFile, both.pidFile], ['/option', '/o']);
});

void test('what has no effect is said once, and a variable that means nothing is a warning', () => {
  const { notes } = plan('enable_run_chmpx,chmpxlog=/x,enable_run_chmpx', {}, { K2HFTDBGMODE: 'loud' });
  assert.deepEqual(
    notes.map(({ level }) => level),
    ['warn', 'info'],
  );
  assert.equal(notes[1]?.message, 'mount options without effect: enable_run_chmpx, chmpxlog');
});

void test('the configuration is given once: as a file or a text, by a flag or an option', (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, 'k2hft.json');
  mkdirSync(folder, { recursive: true });
  writeFileSync(file, JSON_TEXT);
  const from = (list: string, request: Partial<MountRequest> = {}) =>
    planMount({ options: splitOptionList(list), ...request }, {}).mountPoint;
  assert.equal(from(`conf=${file}`), '/from-file');
  assert.equal(from(`json=${file}`), '/from-file');
  assert.equal(from(`json=${JSON_TEXT.replaceAll(',', '\\,')}`), '/from-file');
  assert.equal(from('', { config: file }), '/from-file');
  const isUsage = (error: unknown) => error instanceof CommandError && error.exitStatus === 64;
  assert.throws(() => from(`conf=${file}`, { config: file }), isUsage);
  assert.throws(() => from('', { config: file, json: JSON_TEXT }), isUsage);
  assert.throws(() => from(`conf=${file},uid=no-such-user-here`), isUsage);
  assert.throws(() => from(`conf=${file},gid=4294967295`), isUsage);
  const { mount, ...rest } = CONTENT;
  assert.ok(mount.point);
  assert.throws(() => from('', { json: JSON.stringify(rest) }), isUsage, 'no mount point');
});
