/** A service that receives a token, verifies it and makes the header of the next call. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { CallHeaders, Extractor, RequestContext } from 'waybill/middleware';
import { clock, type Checkout } from './checkout.ts';
import { readTokens, type Inputs, type Kind, type Received, type Tokens } from './inputs.ts';
import { cycle, type Operation } from './operation.ts';

/**
 * Cold: the cache is on, and full; each token was in it and has had to make room for others before it comes again.
 * Cached: it has room for all.
 */
export type Temperature = 'cold' | 'cached';

const KEPT: Readonly<Record<Temperature, number>> = { cold: 100, cached: 1_000 };
const SCHEME = 'Bearer ';
/** Longer than any measurement, so that none of them fetches keys. */
const KEYS_MAX_AGE = 86_400;

interface Handed {
  readonly claims: RequestContext['claims'];
  readonly headers: CallHeaders | undefined;
}

/** @returns what opens the path. */
export function verify(
  kind: Kind,
  temperature: Temperature,
): (checkout: Checkout, inputs: Inputs) => Promise<Operation<string, Handed>> {
  return async (checkout, { tokens: file }) => {
    const tokens = readTokens(file);
    const received = tokens.kinds[kind];
    const { callee } = received;
    const service = await ready(checkout, tokens, received, KEPT[temperature]);
    const next = cycle(received.tokens.map((token) => Buffer.from(SCHEME + token)));
    return {
      input: () => next().toString('latin1'),
      async call(authorization) {
        const context = await service.authenticate({ authorization: [authorization] });
        return {
          claims: context.claims,
          headers: callee === undefined ? undefined : context.headersFor(callee),
        };
      },
      sizes(authorization, { claims, headers }) {
        const answer = headers?.authorization?.slice(SCHEME.length) ?? JSON.stringify(claims);
        return { reads: authorization.length - SCHEME.length, makes: Buffer.byteLength(answer) };
      },
    };
  };
}

/** @returns an extractor that has fetched the keys, from a server that is closed by then. */
async function ready(
  { extractor }: Checkout,
  { issuer, jwks }: Tokens,
  { audience, tokens }: Received,
  kept: number,
): Promise<Extractor> {
  const server = createServer((_request, response) => response.end(JSON.stringify(jwks)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const service = extractor({
    issuer,
    audience,
    caller: 'none',
    jwksUri: `http://127.0.0.1:${port}/jwks`,
    keysMaxAge: KEYS_MAX_AGE,
    cache: { tokens: kept },
    clock,
  });
  await service.authenticate({ authorization: `${SCHEME}${tokens[0] ?? ''}` });
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
  return service;
}
