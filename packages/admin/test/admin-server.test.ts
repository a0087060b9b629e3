import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test, type TestContext } from 'node:test';
import { AdminError, AdminServer, healthRoute, jsonRoute, type Health, type Route } from '../src/index.js';

async function serve(t: TestContext, routes: [string, Route][], said: string[] = []): Promise<string> {
  const server = new AdminServer({
    listen: { host: '127.0.0.1', port: 0 },
    routes: new Map(routes),
    log: (_level, message) => said.push(message),
  });
  t.after(() => server.close());
  return server.listen();
}

/** Sends bytes as they are, and resolves with all that comes back until the connection ends. */
function exchange(url: string, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.write(bytes));
    let answer = '';
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString()));
    socket.on('error', reject);
    socket.on('close', () => {
      resolve(answer);
    });
  });
}

test('a path is answered by its route, also with a query', async (t) => {
  const url = await serve(t, [['/status', jsonRoute(() => ({ fine: true }))]]);
  for (const path of ['/status', '/status?x=1']) {
    const response = await fetch(url + path);
    assert.equal(response.status, 200);
    assert.deepEqual(await response.json(), { fine: true });
    assert.equal(response.headers.get('x-content-type-options'), 'nosniff');
    assert.equal(response.headers.get('x-frame-options'), 'DENY');
  }
});

test('health is 200 or 503, with the reason', async (t) => {
  let health: Health = { ok: true, reason: 'fine' };
  const url = await serve(t, [['/healthz', healthRoute(() => health)]]);
  const before = await fetch(`${url}/healthz`);
  assert.deepEqual([before.status, await before.text()], [200, 'fine\n']);
  health = { ok: false, reason: 'too old' };
  const after = await fetch(`${url}/healthz`);
  assert.deepEqual([after.status, await after.text()], [503, 'too old\n']);
});

test('a HEAD has the headers only', async (t) => {
  const url = await serve(t, [['/status', jsonRoute(() => ({ fine: true }))]]);
  const response = await fetch(`${url}/status`, { method: 'HEAD' });
  assert.equal(response.headers.get('content-length'), '14');
  assert.equal(await response.text(), '');
});

test('other paths and methods are refused in one line', async (t) => {
  const url = await serve(t, [['/status', jsonRoute(() => ({}))]]);
  const missing = await fetch(`${url}/toString`);
  assert.deepEqual([missing.status, await missing.text()], [404, 'nothing here; there is /status\n']);
  const posted = await fetch(`${url}/status`, { method: 'POST', body: 'x'.repeat(100_000) });
  assert.equal(posted.status, 405);
  assert.equal(posted.headers.get('allow'), 'GET, HEAD');
});

test('a route that fails is an answer of 500 and a line in the log, not the end', async (t) => {
  const said: string[] = [];
  const url = await serve(t, [['/status', () => Promise.reject(new Error('out of luck'))]], said);
  const response = await fetch(`${url}/status`);
  assert.deepEqual([response.status, await response.text()], [500, 'this failed; the log says why\n']);
  assert.match(said.join(), /admin: \/status failed: Error: out of luck/);
});

test('long headers and what is no HTTP are refused', async (t) => {
  const url = await serve(t, []);
  assert.match(
    await exchange(url, `GET / HTTP/1.1\r\nHost: x\r\nLong: ${'x'.repeat(20_000)}\r\n\r\n`),
    / 431 /,
  );
  assert.match(await exchange(url, 'hello\r\n\r\n'), / 400 /);
  assert.equal((await fetch(url)).status, 404);
});

test('an address that is taken is an error that says so', async (t) => {
  const url = await serve(t, []);
  const listen = { host: '127.0.0.1', port: Number(new URL(url).port) };
  const second = new AdminServer({ listen, routes: new Map(), log: () => undefined });
  await assert.rejects(
    second.listen(),
    (error: unknown) => error instanceof AdminError && /admin\.listen.*EADDRINUSE/.test(error.message),
  );
  await second.close();
});
