import { strict as assert } from 'node:assert';
import { readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { once } from 'node:events';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { connect, createServer as createTlsServer, DEFAULT_MIN_VERSION, type TLSSocket } from 'node:tls';
import {
  Authority,
  temporaryFolder,
  waitUntil,
  whyNoCertificates,
  type CertificateOptions,
} from '@k2hft/test-harness';
import { startSource, type SendingSource } from './sending-source.js';
import { runServer, configurationOf, startServer, type RunningServer } from './server-process.js';

const skip = whyNoCertificates() ?? false;

const LOCALHOST: CertificateOptions = { name: 'localhost', alternatives: ['IP:127.0.0.1'] };

interface Site {
  folder: string;
  authority: Authority;
  other: Authority;
}

function makeSite(context: TestContext): Site {
  const folder = temporaryFolder(context);
  return {
    folder,
    authority: new Authority(join(folder, 'authority'), 'Ours'),
    other: new Authority(join(folder, 'other'), 'Theirs'),
  };
}

interface ServerChange {
  certificate?: CertificateOptions;
  isMutual?: boolean;
  top?: Record<string, unknown>;
}

async function startTls(context: TestContext, site: Site, change: ServerChange = {}): Promise<RunningServer> {
  const files = site.authority.issue(change.certificate ?? LOCALHOST);
  const clientCa = change.isMutual === true ? { client_ca: site.authority.file } : {};
  return startServer(context, {
    folder: site.folder,
    top: { listen: 'wss://127.0.0.1:0', tls: { ...files, ...clientCa }, ...change.top },
  });
}

interface Client {
  ca?: string;
  cert?: string;
  key?: string;
}

function sourceWith(context: TestContext, url: string, tls: Client): SendingSource {
  const complete = { ca: undefined, cert: undefined, key: undefined, ...tls };
  return startSource(context, { url, servers: { tls: complete } });
}

test('lines travel encrypted, with TLS 1.3, and with mutual certificates', { skip }, async (context) => {
  const site = makeSite(context);
  const server = await startTls(context, site, { isMutual: true });
  const me = site.authority.issue({ name: 'host1' });
  const source = sourceWith(context, server.url, { ca: site.authority.file, ...me });
  source.append('one\n');
  await source.delivered();
  assert.equal(readFileSync(join(server.outputFolder, 'a.log'), 'utf8'), 'one\n');
  const port = Number(new URL(server.url).port);
  const socket = connect({ port, host: '127.0.0.1', ca: readFileSync(site.authority.file) });
  await once(socket, 'secureConnect');
  assert.equal(socket.getProtocol(), 'TLSv1.3');
  socket.destroy();
  const older = connect({
    port,
    host: '127.0.0.1',
    ca: readFileSync(site.authority.file),
    maxVersion: 'TLSv1.2',
  });
  await once(older, 'secureConnect');
  assert.equal(older.getProtocol(), 'TLSv1.2');
  older.destroy();
});

interface Row {
  what: string;
  server?: ServerChange;
  client: (site: Site) => Client;
  source: RegExp;
  /** What the server can know of it. */
  log?: RegExp;
}

const ROWS: readonly Row[] = [
  {
    what: 'an expired certificate of the server',
    server: { certificate: { ...LOCALHOST, expired: true } },
    client: ({ authority }) => ({ ca: authority.file }),
    source: /warn: wss:.*the server's certificate has expired: renew it on the server/,
    log: /error: tls\.cert \S+ has expired on .*: sources refuse it/,
  },
  {
    what: 'a certificate of the server that is not valid yet',
    server: { certificate: { ...LOCALHOST, early: true } },
    client: ({ authority }) => ({ ca: authority.file }),
    source: /the server's certificate is not valid yet: set the clocks/,
  },
  {
    what: 'a certificate for another name',
    server: { certificate: { name: 'elsewhere.example' } },
    client: ({ authority }) => ({ ca: authority.file }),
    source: /the server's certificate is for another name than 127\.0\.0\.1/,
  },
  {
    what: 'an authority that the source does not trust',
    client: ({ other }) => ({ ca: other.file }),
    source: /signed by an authority that is not trusted here: set servers\.tls\.ca/,
  },
  {
    what: "an authority that is none of the system's",
    client: () => ({}),
    source: /signed by an authority that is not trusted here: set servers\.tls\.ca/,
  },
  {
    what: 'no certificate of the source',
    server: { isMutual: true },
    client: ({ authority }) => ({ ca: authority.file }),
    source:
      /error: wss:.*HTTP 403: it shows no certificate, and tls\.client_ca asks for one: give it servers\.tls\.cert/,
    log: /warn: 127\.0\.0\.1:\d+ is refused: it shows no certificate, and tls\.client_ca asks for one/,
  },
  {
    what: 'a certificate of the source that another authority has signed',
    server: { isMutual: true },
    client: ({ authority, other }) => ({ ca: authority.file, ...other.issue({ name: 'host1' }) }),
    source: /HTTP 403: its certificate was signed by another authority than those of tls\.client_ca/,
    log: /is refused: its certificate was signed by another authority than those of tls\.client_ca/,
  },
  {
    what: 'an expired certificate of the source',
    server: { isMutual: true },
    client: ({ authority }) => ({ ca: authority.file, ...authority.issue({ name: 'host1', expired: true }) }),
    source: /HTTP 403: its certificate has expired/,
    log: /is refused: its certificate has expired: give it a new one/,
  },
];

for (const row of ROWS) {
  test(`refused, and both sides say why: ${row.what}`, { skip }, async (context) => {
    const site = makeSite(context);
    const server = await startTls(context, site, row.server);
    const source = sourceWith(context, server.url, row.client(site));
    source.append('never\n');
    await source.says(row.source);
    if (row.log !== undefined) await server.printed(row.log);
    assert.ok(!source.logged.some((line) => line.includes('connected (')));
  });
}

test('ws:// on a wss:// port, and the reverse, are said on both sides', { skip }, async (context) => {
  const site = makeSite(context);
  const secure = await startTls(context, site);
  const plainSource = startSource(context, { url: secure.url.replace('wss:', 'ws:') });
  await plainSource.says(/if it listens on wss:\/\/, write wss:\/\/ in servers\.urls/);
  await secure.printed(/is refused: it does not speak TLS, and this port is wss:\/\//);
  const plain = await startServer(context, { folder: join(site.folder, 'plain') });
  const secureSource = sourceWith(context, plain.url.replace('ws:', 'wss:'), { ca: site.authority.file });
  await secureSource.says(/the server does not speak TLS on this port: write ws:\/\//);
  await plain.printed(/is refused: it speaks TLS, and this port is ws:\/\//);
});

test('TLS 1.1 is refused by either side, and both say so', { skip }, async (context) => {
  const site = makeSite(context);
  assert.match(DEFAULT_MIN_VERSION, /1\.2/);
  const server = await startTls(context, site);
  // A cipher without security bits is what OpenSSL wants before it offers anything so old.
  const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL@SECLEVEL=0' } as const;
  const { port } = new URL(server.url);
  const socket = connect({ port: Number(port), host: '127.0.0.1', rejectUnauthorized: false, ...old });
  const [error] = (await once(socket, 'error')) as [Error & { code: string }];
  assert.match(error.code, /PROTOCOL_VERSION|ECONNRESET/);
  await server.printed(
    /is refused: it knows no TLS newer than 1\.1, and this server accepts 1\.2 and 1\.3: upgrade it/,
  );
  const files = site.authority.issue(LOCALHOST);
  const oldServer = createTlsServer({ cert: readFileSync(files.cert), key: readFileSync(files.key), ...old });
  oldServer.on('tlsClientError', () => undefined);
  oldServer.listen(0, '127.0.0.1');
  await once(oldServer, 'listening');
  context.after(() => oldServer.close());
  const address = oldServer.address();
  const url = `wss://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  const source = sourceWith(context, url, { ca: site.authority.file });
  await source.says(
    /the server knows no TLS newer than 1\.1, which is not safe|server ended the TLS handshake/,
  );
});

test('nobody renegotiates, and a session is never taken up again', { skip }, async (context) => {
  const site = makeSite(context);
  const server = await startTls(context, site);
  const options = {
    port: Number(new URL(server.url).port),
    host: '127.0.0.1',
    ca: readFileSync(site.authority.file),
  };
  const first = connect({ ...options, maxVersion: 'TLSv1.2' });
  await once(first, 'secureConnect');
  const session = first.getSession();
  const refused = await new Promise<Error | null>((resolve) => {
    first.on('error', resolve);
    first.renegotiate({}, resolve);
  });
  assert.ok(refused !== null);
  first.destroy();
  const second: TLSSocket = connect({ ...options, maxVersion: 'TLSv1.2', session });
  await once(second, 'secureConnect');
  assert.equal(second.isSessionReused(), false);
  second.destroy();
});

test(
  'certificates are read again, a bad one is not taken, and connections go on',
  { skip },
  async (context) => {
    const site = makeSite(context);
    const files = site.authority.issue(LOCALHOST);
    const server = await startServer(context, {
      folder: site.folder,
      top: { listen: 'wss://127.0.0.1:0', tls: files },
    });
    const source = sourceWith(context, server.url, { ca: site.authority.file });
    source.append('before\n');
    await source.delivered();
    const serial = await serialOf(server.url);
    const good = readFileSync(files.cert);
    writeFileSync(files.cert, 'no certificate');
    await server.printed(
      /error: tls\.cert \S+ holds no certificate in PEM.*; the certificates that were read before stay/,
    );
    assert.equal(await serialOf(server.url), serial);
    writeFileSync(files.cert, good);
    await server.printed(/the certificates were read again/);
    const mismatched = site.authority.issue(LOCALHOST);
    writeFileSync(files.cert, readFileSync(mismatched.cert));
    await server.printed(
      /the key does not belong to the certificate; the certificates that were read before stay/,
    );
    writeFileSync(files.key, readFileSync(mismatched.key));
    await server.printed(/read again; new connections get them[^]*read again; new connections get them/);
    assert.notEqual(await serialOf(server.url), serial);
    source.append('after\n');
    await source.delivered();
    assert.equal(source.logged.filter((line) => line.includes('connected (')).length, 1);
  },
);

async function serialOf(url: string): Promise<string> {
  const socket = connect({ port: Number(new URL(url).port), host: '127.0.0.1', rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const serial = socket.getPeerCertificate().serialNumber;
  socket.destroy();
  return serial;
}

test('a server does not start with certificates that cannot be used', { skip }, async (context) => {
  const site = makeSite(context);
  const files = site.authority.issue(LOCALHOST);
  const other = site.authority.issue(LOCALHOST);
  const garbage = join(site.folder, 'garbage');
  writeFileSync(garbage, 'garbage');
  for (const [tls, expected] of [
    [{ cert: files.cert, key: other.key }, /the key does not belong to the certificate/],
    [{ cert: garbage, key: other.key }, /tls\.cert \S+ holds no certificate in PEM/],
    [{ ...files, client_ca: garbage }, /tls\.client_ca \S+ holds no certificate in PEM/],
  ] as const) {
    const server = runServer(context, [
      '--json',
      configurationOf({ folder: site.folder, top: { listen: 'wss://127.0.0.1:0', tls } }),
    ]);
    assert.equal(await server.ended, 78, server.output());
    assert.match(server.output(), expected);
  }
});

test(
  'who has no certificate gets an answer and no service, whatever it asks for',
  { skip },
  async (context) => {
    const site = makeSite(context);
    const server = await startTls(context, site, { isMutual: true });
    const asked = request(server.url.replace('wss:', 'https:'), { ca: readFileSync(site.authority.file) });
    asked.end();
    const [response] = (await once(asked, 'response')) as [{ statusCode: number }];
    assert.equal(response.statusCode, 426);
  },
);

test('certificates are replaced under load, and no line is lost', { skip }, async (context) => {
  const site = makeSite(context);
  const files = site.authority.issue(LOCALHOST);
  const me = site.authority.issue({ name: 'host1' });
  const server = await startServer(context, {
    folder: site.folder,
    top: { listen: 'wss://127.0.0.1:0', tls: { ...files, client_ca: site.authority.file } },
  });
  const source = sourceWith(context, server.url, { ca: site.authority.file, ...me });
  const lines: string[] = [];
  const load = setInterval(() => {
    lines.push(`line ${lines.length}\n`);
    source.append(lines.at(-1) ?? '');
  }, 2);
  for (let round = 1; round <= 3; round++) {
    const serial = await serialOf(server.url);
    site.authority.issue(LOCALHOST, files);
    site.authority.issue({ name: 'host1' }, me);
    await waitUntil('the new certificate is shown', async () => (await serialOf(server.url)) !== serial);
  }
  clearInterval(load);
  await source.delivered();
  assert.equal(readFileSync(join(server.outputFolder, 'a.log'), 'utf8'), lines.join(''));
  assert.equal(source.logged.filter((line) => line.includes('connected (')).length, 1);
});
