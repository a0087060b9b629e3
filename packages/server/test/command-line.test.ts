import { strict as assert } from 'node:assert';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder, waitUntil } from '@k2hft/test-harness';
import { configurationOf, runServer } from './server-process.js';

test("K2HFTFUSESVR's command line serves, and its help and version are answers", async (context) => {
  const folder = temporaryFolder(context);
  const file = join(folder, 'svr.json');
  writeFileSync(file, configurationOf({ folder }));
  for (const flag of ['-h', '-HELP', '-v', '-ver', '-Version'])
    assert.equal(await runServer(context, [flag]).ended, 0, flag);
  assert.equal(await runServer(context, ['-conf']).ended, 64);
  const loud = runServer(context, ['-conf', file, '-d', 'loud']);
  assert.equal(await loud.ended, 64);
  assert.match(loud.output(), /silent err error/);
  const server = runServer(context, ['-CONF', file, '-dbg', 'silent']);
  await server.printed(/listening on/);
  server.child.kill('SIGHUP');
  server.child.kill('SIGTERM');
  assert.equal(await server.ended, 0);
  assert.doesNotMatch(server.output(), /SIGHUP/);
});

test('level and file of the log: the command line wins over the environment, and that over the file', async (context) => {
  const folder = temporaryFolder(context);
  const json = configurationOf({ folder, top: { log: { level: 'error' } } });
  const logged = async (args: string[], env: NodeJS.ProcessEnv): Promise<[string, string]> => {
    const fromFlag = join(folder, 'flag.log');
    const fromVariable = join(folder, 'variable.log');
    for (const name of [fromFlag, fromVariable]) writeFileSync(name, '');
    const given = args.map((arg) => (arg === 'FLAG' ? fromFlag : arg));
    const server = runServer(context, ['--json', json, ...given], { ...env, K2HFTDBGFILE: fromVariable });
    await server.printed(/listening on/);
    server.child.kill('SIGHUP');
    const contents = (): [string, string] => [
      readFileSync(fromFlag, 'utf8'),
      readFileSync(fromVariable, 'utf8'),
    ];
    if (args.includes('info') || env['K2HFTDBGMODE'] === 'msg')
      await waitUntil('it is logged', () => contents().join('').includes('SIGHUP'));
    server.child.kill('SIGTERM');
    assert.equal(await server.ended, 0);
    return contents();
  };
  const rows: [args: string[], mode: string, flag: RegExp, variable: RegExp][] = [
    [[], '', /^$/, /^$/],
    [[], 'msg', /^$/, /SIGHUP/],
    [['--log-file', 'FLAG'], 'msg', /SIGHUP/, /^$/],
    [['-d', 'info'], 'silent', /^$/, /SIGHUP/],
    [['--log-level', 'error'], 'dump', /^$/, /^$/],
    [['-d', 'warn'], 'loud', /^$/, /K2HFTDBGMODE is "loud"/],
  ];
  for (const [args, mode, flag, variable] of rows) {
    const [inFlag, inVariable] = await logged(args, { K2HFTDBGMODE: mode });
    assert.match(inFlag, flag, `${args.join(' ')} ${mode}`);
    assert.match(inVariable, variable, `${args.join(' ')} ${mode}`);
  }
  const unwritable = runServer(context, ['--json', json, '--log-file', join(folder, 'no/such/folder')]);
  assert.equal(await unwritable.ended, 69);
  assert.match(unwritable.output(), /cannot write the log file/);
});

test('systemd is told of its start and its end, through its own program', async (context) => {
  const folder = temporaryFolder(context);
  const told = join(folder, 'told');
  const notifier = join(folder, 'systemd-notify');
  writeFileSync(notifier, `#!/bin/sh\necho "$NOTIFY_SOCKET $*" >>${told}\n`);
  chmodSync(notifier, 0o755);
  writeFileSync(told, '');
  const server = runServer(context, ['--json', configurationOf({ folder })], {
    NOTIFY_SOCKET: '/run/notify',
    PATH: `${folder}:${process.env['PATH'] ?? ''}`,
  });
  await server.printed(/listening on/);
  await waitUntil('READY=1 is told', () =>
    /^\/run\/notify READY=1 STATUS=listening on ws:/m.test(readFileSync(told, 'utf8')),
  );
  server.child.kill('SIGTERM');
  assert.equal(await server.ended, 0);
  await waitUntil('STOPPING=1 is told', () => /notify STOPPING=1/.test(readFileSync(told, 'utf8')));
});
