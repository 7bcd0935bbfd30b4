/** A service on Node's own http: `authenticate` verifies, `refusal` answers. Every other framework is used like this. */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';

import { refusal, type Extractor } from 'waybill/middleware';

export function stock(waybill: Extractor): RequestListener {
  return (request, response) => void answer(waybill, request, response);
}

async function answer(waybill: Extractor, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method, url, headersDistinct } = request;
  const { authorization, dpop } = headersDistinct;
  try {
    const { claims } = await waybill.authenticate({ authorization, dpop, method, url, scope: 'reserve' });
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ reserved: true, for: claims.client_id, by: claims.act?.sub }));
  } catch (error) {
    const refused = refusal(error, ['reserve']);
    if (refused) response.writeHead(refused.status, refused.headers).end(refused.body);
    else response.writeHead(500).end();
  }
}
