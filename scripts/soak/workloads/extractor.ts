/** The extractor: verifies a token, or finds it in the cache, and makes the header of the next call. */
import { extractor, type Extractor, type RequestContext } from 'waybill/middleware';
import { pick } from '../mixes.ts';
import { INPUTS, NOW, delivered, type Shop } from '../shop.ts';
import { KEPT, type Workload } from '../workload.ts';
import { issuerFetch } from './issuer-fetch.ts';

export const extracting = serviceWorkload('extractor', (context, n) => {
  context.headersFor(n % 3 === 0 ? 'mail' : 'payment');
});

export const exchanging = serviceWorkload('exchange', async (context) => {
  await context.obtainHeaders('ads');
});

/** A service that receives tokens, and what it does with each to call another one. */
function serviceWorkload(
  name: string,
  call: (context: RequestContext, n: number) => Promise<void> | void,
): Workload {
  return {
    name,
    async open(shop, mix) {
      const lines = shop.tokens.map((token) => Buffer.from(`Bearer ${token}`));
      const service = extractorOf(shop);
      return {
        async next(n) {
          const line = lines[pick(mix, n, INPUTS)]!;
          await call(await service.authenticate({ authorization: [delivered(line)] }), n);
        },
      };
    },
  };
}

export function extractorOf(shop: Shop): Extractor {
  const { plan, entry, secret } = shop;
  return extractor({
    issuer: plan.issuer.url,
    audience: entry.audience,
    caller: 'none',
    clock: () => NOW,
    fetch: issuerFetch(shop),
    jwksUri: `${plan.issuer.url}/jwks`,
    tokenEndpoint: `${plan.issuer.url}/token`,
    credentials: { clientId: entry.name, secret: secret(entry.name) },
    cache: { tokens: KEPT, exchanged: KEPT, proofs: KEPT },
  });
}
