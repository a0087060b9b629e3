import { strict as assert } from 'node:assert';
import { closeSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  appendTo,
  createLog,
  debugPresets,
  logLevelOf,
  openLogFile,
  type LogLevel,
  type LogSettings,
} from '../src/index.js';

const LEVELS: readonly LogLevel[] = ['error', 'warn', 'info', 'debug'];

test('a level lets through what is at least as grave, and silent nothing', () => {
  const rows: [LogSettings['level'], number][] = [
    ['silent', 0],
    ['error', 1],
    ['warn', 2],
    ['info', 3],
    ['debug', 4],
  ];
  for (const [level, count] of rows) {
    const lines: string[] = [];
    const log = createLog('k2hft', { level, format: 'text' }, (line) => lines.push(line));
    for (const of of LEVELS) log(of, 'said');
    assert.deepEqual(
      lines,
      ['k2hft: error: said\n', 'k2hft: warn: said\n', 'k2hft: said\n', 'k2hft: debug: said\n'].slice(
        0,
        count,
      ),
    );
  }
});

test("levels have K2HFTFUSE's names as well, in any case", () => {
  const rows: [string, string | undefined][] = [
    ['silent', 'silent'],
    ['SILENT', 'silent'],
    ['err', 'error'],
    ['Error', 'error'],
    ['wan', 'warn'],
    ['warn', 'warn'],
    ['WARNING', 'warn'],
    ['msg', 'info'],
    ['message', 'info'],
    ['inf', 'info'],
    ['info', 'info'],
    ['information', 'info'],
    ['dmp', 'debug'],
    ['dump', 'debug'],
    ['debug', 'debug'],
    ['loud', undefined],
    ['', undefined],
  ];
  for (const [name, level] of rows) assert.equal(logLevelOf(name), level, name);
});

test('K2HFTDBGMODE and K2HFTDBGFILE preset level and file', () => {
  assert.deepEqual(debugPresets({}), { level: undefined, file: undefined, warning: undefined });
  const set = debugPresets({ K2HFTDBGMODE: 'DUMP', K2HFTDBGFILE: '/var/log/x' });
  assert.deepEqual(set, { level: 'debug', file: '/var/log/x', warning: undefined });
  const wrong = debugPresets({ K2HFTDBGMODE: 'loud', K2HFTDBGFILE: '' });
  assert.equal(wrong.level, undefined);
  assert.equal(wrong.file, undefined);
  assert.match(wrong.warning ?? '', /K2HFTDBGMODE is "loud", .* no effect/);
});

test('a log file is appended to, and a log that nobody takes stops nothing', (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'k2hft-log-'));
  context.after(() => {
    rmSync(folder, { recursive: true });
  });
  const path = join(folder, 'log');
  for (const line of ['one\n', 'two\n']) {
    const fd = openLogFile(path);
    appendTo(fd)(line);
    closeSync(fd);
    appendTo(fd)('to nobody\n');
  }
  assert.equal(readFileSync(path, 'utf8'), 'one\ntwo\n');
});
