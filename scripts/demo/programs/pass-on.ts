/** The rest of a proxy: request and answer pass unchanged. */
import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';

export function passOn(request: IncomingMessage, onward: ClientRequest, response: ServerResponse): void {
  onward.on('response', (answer: IncomingMessage) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  onward.on('error', () => {
    if (response.headersSent) response.destroy();
    else response.writeHead(502, { 'content-type': 'application/json' }).end('{"detail":"not reached"}');
  });
  request.pipe(onward);
}
