import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { PROTOCOL_VERSION } from '@k2hft/wire';
import { freePort, temporaryFolder, undoAtEnd, waitUntil, whyNoProgram } from '@k2hft/test-harness';
import { chromium, type BrowserContext, type Page } from 'playwright-core';
import { startServer, type ServerFolder } from './server-process.js';
import { SourceClient, type BatchToSend } from './source-client.js';

const skip = whyNoProgram('chromium', 'chromium') ?? false;

/** Where Debian's package puts it. */
const CHROMIUM = '/usr/bin/chromium';
/** The machine may have other tests to run. */
const SHOWN_MS = 240_000;
/** Nobody listens there: a port that is not given to programs by chance. */
const DEAD_URL = 'ws://127.0.0.1:9';

/** A folder that pictures are left in for somebody to look at. */
const PICTURES = process.env['K2HFT_TEST_PICTURES'];

async function startWatched(context: TestContext, settings: Partial<ServerFolder> = {}, adminPort = 0) {
  const server = await startServer(context, {
    folder: temporaryFolder(context),
    output: { path: '{host}/{path}' },
    ...settings,
    top: { admin: { listen: `127.0.0.1:${adminPort}` }, ...settings.top },
  });
  const admin = /admin: (http:\S+)/.exec(server.output())?.[1] ?? '';
  return { ...server, admin };
}

/** A browser that knows nothing of others. */
async function startBrowser(context: TestContext): Promise<BrowserContext> {
  const browser = await chromium.launchPersistentContext(temporaryFolder(context), {
    executablePath: CHROMIUM,
    headless: true,
    timeout: SHOWN_MS,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  undoAtEnd(context, () => browser.close());
  return browser;
}

/** The page, what the browser complains about, and what it asks of other hosts. */
async function openPage(
  context: TestContext,
  browser: BrowserContext,
  url: string,
): Promise<{ page: Page; complaints: string[] }> {
  const page = await browser.newPage();
  undoAtEnd(context, () => page.close());
  page.setDefaultTimeout(SHOWN_MS);
  const complaints: string[] = [];
  page.on('console', (message) => complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== url) complaints.push(`asked for ${request.url()}`);
  });
  await page.goto(url);
  return { page, complaints };
}

/** Waits until an element has this text. */
async function shows(page: Page, selector: string, text: string | RegExp): Promise<void> {
  await page.locator(selector).filter({ hasText: text, visible: true }).first().waitFor();
}

/** A source that sends a few lines again and again, each written so many seconds before. */
async function startSource(
  context: TestContext,
  url: string,
  { host, digit, lateSeconds }: { host: string; digit: number; lateSeconds: number },
): Promise<SourceClient> {
  const client = await SourceClient.open(url);
  const source = `${String(digit).repeat(8)}-0000-4000-8000-000000000000`;
  client.tell({ type: 'hello', protocol: PROTOCOL_VERSION, source, epoch: 1, host, software: 'k2hft test' });
  await waitUntil('the welcome', () => client.messages('welcome').length > 0);
  let sequence = 1;
  const timer = setInterval(() => {
    const written = Math.floor(Date.now() / 1000) - lateSeconds;
    const batch: BatchToSend = {
      sequence,
      host,
      path: `${host}.log`,
      payload: 'a line\n',
      timeSeconds: written,
    };
    if (client.closeCode === undefined) client.send(batch);
    sequence++;
  }, 100);
  undoAtEnd(context, () => {
    clearInterval(timer);
    client.close();
  });
  return client;
}

async function picture(page: Page, name: string): Promise<void> {
  const image = await page.screenshot(PICTURES === undefined ? {} : { path: join(PICTURES, `${name}.png`) });
  assert.ok(image.length > 0);
}

test('the page in a browser', { skip }, async (whole) => {
  const browser = await startBrowser(whole);

  await whole.test('the page shows who sends, who is late, and who has gone', async (context) => {
    const next = await startServer(context, { folder: temporaryFolder(context) });
    const folder = temporaryFolder(context);
    const relay = {
      queue: { dir: join(folder, 'queue'), min_free: '16MiB' },
      servers: { urls: [next.url, DEAD_URL], deliver: 'broadcast' },
    };
    const { url, admin } = await startWatched(context, { folder, top: { relay } });
    await startSource(context, url, { host: 'web-1', digit: 1, lateSeconds: 0 });
    const leaving = await startSource(context, url, { host: 'web-2', digit: 2, lateSeconds: 0 });
    await startSource(context, url, { host: 'db-1', digit: 3, lateSeconds: 100 });
    const { page, complaints } = await openPage(context, browser, admin);
    await shows(page, '#state', 'taking data');
    await shows(page, '#summary', '3 connected');
    await shows(page, '#summary', /1 min \d+ s/);
    await shows(page, '#sources tr', /db-1.*1 min 4\d s.*far behind/s);
    await shows(page, '#sources tr', /web-1.*connected/s);
    await shows(page, '#relay tr', /127\.0\.0\.1:9.*(down|connecting).*refused/is);
    await shows(page, '#files tr', 'db-1/db-1.log');
    await shows(page, '#problems', /refused/i);
    await shows(page, '.u-legend tr', /web-1.*\d/s);
    await picture(page, 'three-sources');

    leaving.close();
    await shows(page, '#sources tr', /web-2.*away.*last seen/s);
    await shows(page, '#summary', '1 away');

    await page.getByRole('button', { name: 'db-1', exact: false }).click();
    await shows(page, '#charts-choice', 'only db-1');
    await page.getByLabel('Filter').first().fill('WEB');
    await shows(page, '#sources-count', '2 of 3 match');
    await waitUntil('two rows', async () => (await page.locator('#sources tbody tr').count()) === 2);
    await page.getByRole('button', { name: 'Host' }).click();
    await page.locator('#sources th[aria-sort="ascending"]').waitFor();
    assert.match(page.url(), /source=WEB&sources-by=host&chart=33333333-/);
    await picture(page, 'one-source');
    assert.deepEqual(complaints, []);
  });

  await whole.test(
    'a server without sources says what to do; what sources call themselves stays text',
    async (context) => {
      const { url, admin } = await startWatched(context);
      const { page, complaints } = await openPage(context, browser, admin);
      await shows(page, '#empty', 'No source has connected yet');
      await shows(page, '#empty-example', `urls: [${url}]`);
      await picture(page, 'no-source');
      const host = '<img/src=x/onerror=alert(1)>';
      await startSource(context, url, { host, digit: 4, lateSeconds: 0 });
      await shows(page, '#sources tr', host);
      await shows(page, '.u-legend tr', host);
      assert.equal(await page.locator('main img').count(), 0);
      assert.equal(await page.locator('#empty').isVisible(), false);
      assert.deepEqual(complaints, []);
    },
  );

  await whole.test('a server that is gone is said to be gone, and back when it is back', async (context) => {
    const folder = temporaryFolder(context);
    const first = await startWatched(context, { folder }, await freePort());
    const { page } = await openPage(context, browser, first.admin);
    await shows(page, '#state', 'taking data');
    first.child.kill('SIGKILL');
    await first.ended;
    await shows(page, '#gone', /No connection since \d\d:\d\d:\d\d\./);
    await shows(page, '#state', 'no connection');
    await picture(page, 'gone');
    await startWatched(context, { folder }, Number(new URL(first.admin).port));
    await shows(page, '#state', 'taking data');
    assert.equal(await page.locator('#gone').isVisible(), false);
  });
});
