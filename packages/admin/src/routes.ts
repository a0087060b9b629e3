import { withShownUrls } from '@k2hft/config';
import type { Registry } from 'prom-client';
import type { Route } from './admin-server.js';
import { sendText } from './send-text.js';

export interface Health {
  ok: boolean;
  /** One line: what is wrong, or what makes it right. */
  reason: string;
}

/** `/metrics`, in Prometheus' text format. */
export function metricsRoute(registry: Registry): Route {
  return async (_request, response) => {
    const body = Buffer.from(await registry.metrics());
    response.writeHead(200, { 'content-type': registry.contentType, 'content-length': body.length });
    response.end(body);
  };
}

/** `/healthz` and `/readyz`: 200, or 503 when not; the reason as text. */
export function healthRoute(check: () => Health): Route {
  return (_request, response) => {
    const { ok, reason } = check();
    sendText(response, ok ? 200 : 503, withShownUrls(reason));
  };
}

/** What `content` returns, as JSON. */
export function jsonRoute(content: () => unknown): Route {
  return (_request, response) => {
    const body = Buffer.from(withShownUrls(`${JSON.stringify(content())}\n`));
    response.writeHead(200, {
      'content-type': 'application/json; charset=utf-8',
      'content-length': body.length,
    });
    response.end(body);
  };
}
