import type { ServerResponse } from 'node:http';
import type { Route } from '@k2hft/admin';
import { withShownUrls } from '@k2hft/config';
import { assetRoutes } from './web-assets.js';
import type { WebWatch } from './web-watch.js';

/** The page at `/`, what belongs to it, and the figures that it shows. */
export function webRoutes(watch: WebWatch): [path: string, route: Route][] {
  return [
    ...assetRoutes(),
    [
      '/overview',
      async ({ url = '' }, response) => {
        sendJson(response, await watch.overview(url));
      },
    ],
    [
      '/history',
      ({ url = '' }, response) => {
        sendJson(response, watch.history(url));
      },
    ],
  ];
}

function sendJson(response: ServerResponse, content: object): void {
  const body = Buffer.from(withShownUrls(JSON.stringify(content)));
  response.writeHead(200, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': body.length,
  });
  response.end(body);
}
