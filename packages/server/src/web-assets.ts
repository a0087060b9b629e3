import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Route } from '@k2hft/admin';

const TYPES = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
} as const;

/**
 * The page takes everything from this server, and nothing in it is inline: what a source calls itself can neither run nor
 * load anything.
 */
const PAGE_POLICY = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const PACKAGE = fileURLToPath(new URL('../../', import.meta.url));
const UPLOT = dirname(createRequire(import.meta.url).resolve('uplot'));

/** The modules of the page, as the compiler leaves them. */
const MODULES = [
  'chart-canvas',
  'charts',
  'delay',
  'document',
  'files-table',
  'format',
  'fetching',
  'main',
  'problems-list',
  'relay-tables',
  'sources-table',
  'summary',
  'table',
  'wishes',
];

const FILES: readonly (readonly [path: string, file: string])[] = [
  ['/', join(PACKAGE, 'web/page.html')],
  ['/page.css', join(PACKAGE, 'web/page.css')],
  ['/icon.svg', join(PACKAGE, 'web/icon.svg')],
  ['/uplot.js', join(UPLOT, 'uPlot.iife.min.js')],
  ['/uplot.css', join(UPLOT, 'uPlot.min.css')],
  ...MODULES.map((name) => [`/web/${name}.js`, join(PACKAGE, 'dist/web', `${name}.js`)] as const),
];

/** The page and what belongs to it, by path. A browser asks each time whether it has changed, as after an update. */
export function assetRoutes(): [path: string, route: Route][] {
  return FILES.map(([path, file]) => [path, assetRoute(file)]);
}

function assetRoute(file: string): Route {
  const type = TYPES[file.slice(file.lastIndexOf('.') + 1) as keyof typeof TYPES];
  let read: Promise<{ body: Buffer; tag: string }> | undefined;
  return async (request, response) => {
    read ??= readTagged(file);
    const { body, tag } = await read.catch((error: unknown) => {
      read = undefined;
      throw error;
    });
    response.setHeader('content-security-policy', PAGE_POLICY);
    response.setHeader('cache-control', 'no-cache');
    response.setHeader('etag', tag);
    if (request.headers['if-none-match'] === tag) {
      response.writeHead(304).end();
      return;
    }
    response.writeHead(200, { 'content-type': type, 'content-length': body.length });
    response.end(body);
  };
}

async function readTagged(file: string): Promise<{ body: Buffer; tag: string }> {
  const body = await readFile(file);
  return { body, tag: `"${createHash('sha256').update(body).digest('base64url')}"` };
}
