import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  Authority,
  startMount,
  startServer,
  temporaryFolder,
  waitUntil,
  waitUntilDelivered,
  whyNoCertificates,
  whyNoMounts,
} from '@k2hft/test-harness';
import { shell } from './pipeline.js';

const skip = whyNoMounts() ?? whyNoCertificates() ?? false;

const TOKEN = 'a-token-that-nobody-guesses-0123456789';
const LINES = 20_000;

test(
  'a mount proves who it is, and what it proves it with is replaced while it writes',
  { skip },
  async (t) => {
    const folder = temporaryFolder(t);
    const authority = new Authority(join(folder, 'authority'), 'Ours');
    const localhost = { name: 'localhost', alternatives: ['IP:127.0.0.1'] };
    const files = authority.issue(localhost);
    const me = authority.issue({ name: 'web1' });
    const tokens = join(folder, 'tokens');
    const tokenFile = join(folder, 'token');
    writeFileSync(tokens, `web1 ${TOKEN}\n`, { mode: 0o600 });
    writeFileSync(tokenFile, `${TOKEN}\n`, { mode: 0o600 });
    const server = await startServer(t, {
      folder: join(folder, 'server'),
      settings: {
        listen: 'wss://127.0.0.1:0',
        tls: { ...files, client_ca: authority.file },
        tokens_file: tokens,
      },
    });
    const mount = await startMount(t, {
      folder: join(folder, 'source'),
      urls: [server.url],
      servers: { token_file: tokenFile, tls: { ca: authority.file, ...me } },
      settings: { host: 'web1' },
    });
    const write = (from: number): void => {
      shell(`seq ${from} ${from + LINES - 1} >> "${mount.point}/numbers"`);
    };
    write(0);
    authority.issue(localhost, files);
    authority.issue({ name: 'web1' }, me);
    await server.process.printed(/the certificates were read again/);
    write(LINES);
    // Taken out, nothing arrives and nothing is lost; a new one is used without a restart of either.
    writeFileSync(tokens, 'other 0123456789-0123456789\n');
    await mount.process.printed(
      /the token was taken out of the tokens_file|no longer, in this server's tokens_file/,
    );
    write(2 * LINES);
    assert.ok(mount.status().queue.batches > 0);
    writeFileSync(tokens, `web1 renewed-${TOKEN}\n`);
    writeFileSync(tokenFile, `renewed-${TOKEN}\n`);
    await waitUntilDelivered(mount);
    const expected = Array.from({ length: 3 * LINES }, (_, index) => `${index}\n`).join('');
    const arrived = () => readFileSync(join(folder, 'server/output/numbers'), 'utf8');
    await waitUntil('all lines are there', () => arrived() === expected);
    await mount.stop();
    for (const output of [mount.process.output(), server.process.output()])
      assert.ok(!output.includes(TOKEN));
  },
);
