/** Kinds of `fetch` that open no connection for what is in this process. */
import { createServer, request as send, type IncomingMessage, type RequestListener } from 'node:http';
import { duplexPair } from 'node:stream';
import { buffer } from 'node:stream/consumers';

type Fetch = typeof globalThis.fetch;

/** Statuses whose responses have no body (Fetch standard). */
const WITHOUT_BODY = [204, 205, 304];

/**
 * A `fetch` that reaches one server without a socket: the bytes of HTTP pass through memory.
 *
 * @param origin of the addresses that the server answers.
 * @param otherwise fetches every other address.
 */
export function inProcessFetch(app: RequestListener, origin: string, otherwise: Fetch): Fetch {
  const server = createServer(app);
  return async (input, init) => {
    const request = new Request(input, init);
    const { origin: asked, host, pathname, search } = new URL(request.url);
    if (asked !== origin) return otherwise(input, init);
    const body = Buffer.from(await request.arrayBuffer());
    const [near, far] = duplexPair();
    server.emit('connection', far);
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const headers = { ...Object.fromEntries(request.headers), host, connection: 'close' };
      const { method, signal } = request;
      send({ createConnection: () => near, method, path: pathname + search, headers, signal }, resolve)
        .on('error', reject)
        .end(body);
    });
    const content = await buffer(answer);
    const status = answer.statusCode ?? 500;
    const headers = Object.entries(answer.headersDistinct).flatMap(([name, values = []]) =>
      values.map((value): [string, string] => [name, value]),
    );
    return new Response(WITHOUT_BODY.includes(status) ? null : content, { status, headers });
  };
}

/**
 * A `fetch` of JSON documents.
 *
 * @param documentAt gives the document at an address; undefined where it has none.
 * @param otherwise fetches every other address.
 */
export function documentFetch(documentAt: (address: string) => Promise<unknown>, otherwise: Fetch): Fetch {
  return async (input, init) => {
    const document = await documentAt(input instanceof Request ? input.url : String(input));
    return document === undefined ? otherwise(input, init) : Response.json(document);
  };
}
