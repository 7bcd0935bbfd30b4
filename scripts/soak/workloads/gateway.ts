/** The gateway: swaps a reference for a token, or finds the answer in the cache. */
import { gateway } from 'waybill/middleware';
import { pick } from '../mixes.ts';
import { INPUTS, NOW, delivered } from '../shop.ts';
import { KEPT, type Workload } from '../workload.ts';
import { issuerFetch } from './issuer-fetch.ts';

export const swapping: Workload = {
  name: 'gateway',
  async open(shop, mix) {
    const { plan, entry, secret } = shop;
    const lines = shop.references.map((reference) => Buffer.from(`Bearer ${reference}`));
    const edge = gateway({
      issuer: plan.issuer.url,
      clock: () => NOW,
      fetch: issuerFetch(shop),
      jwksUri: `${plan.issuer.url}/jwks`,
      introspectionEndpoint: `${plan.issuer.url}/introspect`,
      credentials: { clientId: 'edge', secret: secret('edge') },
      cachedSwaps: KEPT,
      cachedProofs: KEPT,
    });
    return {
      async next(n) {
        const line = delivered(lines[pick(mix, n, INPUTS)]!);
        const { headers } = await edge.swap({
          audience: entry.audience,
          headers: [
            ['authorization', line],
            ['host', 'shop.example'],
          ],
        });
        if (headers.length !== 2) throw new TypeError('the gateway sent on other headers');
      },
    };
  },
};
