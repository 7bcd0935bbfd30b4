/** The HTTP of the admin port: `/healthz`, `/readyz` and `/metrics`. */
import type { RequestListener, ServerResponse } from 'node:http';
import type { Metrics } from './metrics.ts';

/** Version 0.0.4 of the text form of Prometheus. */
const METRICS = 'text/plain; version=0.0.4; charset=utf-8';

export function adminPages(isReady: () => boolean, metrics: Metrics): RequestListener {
  return ({ url = '', method }, response) => {
    const [path] = url.split('?', 1);
    if (method !== 'GET' && method !== 'HEAD') return send(response, 405, '{"status":"use GET"}');
    switch (path) {
      case '/healthz':
        return send(response, 200, '{"status":"ok"}');
      case '/readyz':
        return isReady()
          ? send(response, 200, '{"status":"ok"}')
          : send(response, 503, '{"status":"stopping"}');
      case '/metrics':
        return void metrics.text().then((text) => send(response, 200, text, METRICS));
      default:
        return send(response, 404, '{"status":"this port has /healthz, /readyz and /metrics"}');
    }
  };
}

function send(response: ServerResponse, status: number, body: string, type = 'application/json'): void {
  const own = {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
  };
  response.writeHead(status, own).end(body);
}
