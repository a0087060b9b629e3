import { strict as assert } from 'node:assert';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder, undoAtEnd } from '@k2hft/test-harness';
import { configurationOf, runServer, startServer } from './server-process.js';
import { SourceClient } from './source-client.js';

test('wrong usage ends with 64, help and version with 0', async (context) => {
  assert.equal(await runServer(context, ['--nonsense']).ended, 64);
  assert.equal(await runServer(context, ['check']).ended, 64);
  assert.equal(await runServer(context, ['nonsense']).ended, 64);
  const help = runServer(context, ['--help']);
  assert.equal(await help.ended, 0);
  assert.match(help.output(), /--config/);
  assert.equal(await runServer(context, ['--version']).ended, 0);
});

test('check prints the settings that would apply', async (context) => {
  const folder = temporaryFolder(context);
  const file = join(folder, 'svr.yaml');
  writeFileSync(file, 'output:\n  dir: out\n');
  const check = runServer(context, ['check', file]);
  assert.equal(await check.ended, 0, check.output());
  assert.match(check.output(), /time_format/);
  assert.match(check.output(), new RegExp(join(folder, 'out')));
  const ofText = runServer(context, [
    'check',
    '--json',
    JSON.stringify({ output: { dir: join(folder, 'text') } }),
  ]);
  assert.equal(await ofText.ended, 0, ofText.output());
  assert.match(ofText.output(), new RegExp(join(folder, 'text')));
});

test('settings that cannot be used end with 78 and their name', async (context) => {
  const folder = temporaryFolder(context);
  const rows: [top: Record<string, unknown>, output: Record<string, unknown>, expected: RegExp][] = [
    [{ nonsense: 1 }, {}, /nonsense/],
    [{}, { path: '../{path}' }, /path/],
    [{}, { format: '%Q' }, /format/],
    [{}, { rotate: {} }, /expected a size, or every, or both/],
    [
      {},
      { rotate: { size: '1GiB' }, plugin: ['/bin/cat'], plugin_stdout: 'file' },
      /not supported yet: output\.rotate with plugin_stdout: file/,
    ],
  ];
  for (const [top, output, expected] of rows) {
    const server = runServer(context, ['--json', configurationOf({ folder, top, output })]);
    assert.equal(await server.ended, 78, server.output());
    assert.match(server.output(), expected);
  }
});

test('a file, the environment and a JSON text all give the configuration', async (context) => {
  const folder = temporaryFolder(context);
  const json = configurationOf({ folder });
  const file = join(folder, 'svr.json');
  writeFileSync(file, json);
  for (const [args, env] of [
    [['-c', file], {}],
    [[], { K2HFT_SVR_CONFIG: file }],
    [[], { K2HFT_SVR_JSON: json }],
  ] as const) {
    const server = runServer(context, args, env);
    await server.printed(/listening on ws:\/\/127\.0\.0\.1:\d+/);
    server.child.kill('SIGINT');
    assert.equal(await server.ended, 0);
  }
});

test('an address in use ends with 69, and so does a state directory in use', async (context) => {
  const folder = temporaryFolder(context);
  const blocker = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => blocker.once('listening', resolve));
  undoAtEnd(context, () => {
    blocker.close();
  });
  const address = blocker.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const refused = runServer(context, ['--json', configurationOf({ folder, port })]);
  assert.equal(await refused.ended, 69);
  assert.match(refused.output(), /cannot listen on ws:\/\/127\.0\.0\.1.*EADDRINUSE/);
  const first = await startServer(context, { folder });
  const second = runServer(context, ['--json', configurationOf({ folder })]);
  assert.equal(await second.ended, 69);
  assert.match(second.output(), new RegExp(`in use by another k2hft-svr \\(process ${first.pid}`));
});

test('the log can be JSON, and the line that it is ready is one of it', async (context) => {
  const folder = temporaryFolder(context);
  const server = runServer(context, [
    '--json',
    configurationOf({ folder, top: { log: { format: 'json', level: 'error' } } }),
  ]);
  await server.printed(/listening on/);
  for (const line of server.output().trim().split('\n')) {
    const entry = JSON.parse(line) as { program: string };
    assert.equal(entry.program, 'k2hft-svr');
  }
});

test('SIGHUP reads the configuration again, and keeps the old one when it is wrong', async (context) => {
  const folder = temporaryFolder(context);
  const file = join(folder, 'svr.json');
  const write = (output: Record<string, unknown>, top = {}): void => {
    writeFileSync(file, configurationOf({ folder, output, top }));
  };
  mkdirSync(join(folder, 'output'));
  write({});
  const server = runServer(context, ['-c', file]);
  await server.printed(/listening on \S+/);
  const client = await SourceClient.connect(/listening on (\S+)/.exec(server.output())?.[1] ?? '');
  await client.deliver(1, { payload: 'one\n' });
  write({ format: '%Q' });
  server.child.kill('SIGHUP');
  await server.printed(/the old one stays/);
  await client.deliver(2, { payload: 'two\n' });
  write({ format: '%H %L', path: 'new/{path}', fsync: 'no' }, { max_connections: 5 });
  server.child.kill('SIGHUP');
  await server.printed(/output\.fsync \(from or to "no"\) cannot change while the server runs/);
  write(
    { format: '%H %L', path: 'new/{path}', fsync: 'always' },
    { max_connections: 5, log: { level: 'debug' } },
  );
  server.child.kill('SIGHUP');
  await server.printed(/the configuration is in force/);
  const reload = async (): Promise<[status: number | string, said: string]> => {
    const asking = runServer(context, ['reload', '-c', file]);
    return [await asking.ended, asking.output()];
  };
  assert.deepEqual(await reload(), [0, 'k2hft-svr: the configuration is in force\n']);
  write(
    { format: '%H %L', path: 'new/{path}', fsync: 'always', plugin: ['/bin/cat'] },
    { log: { level: 'debug' } },
  );
  const [status, said] = await reload();
  assert.equal(status, 78);
  assert.match(said, /output\.plugin cannot change while the server runs/);
  write({ path: 'new/{path' });
  assert.equal((await reload())[0], 78);
  write({ format: '%H %L', path: 'new/{path}' }, { state_dir: join(folder, 'other') });
  assert.equal((await reload())[0], 69);
  await client.deliver(3, { payload: 'three\n' });
  assert.equal(readFileSync(join(folder, 'output/a.log'), 'utf8'), 'one\ntwo\n');
  assert.equal(readFileSync(join(folder, 'output/new/a.log'), 'utf8'), 'host1 three\n');
});
