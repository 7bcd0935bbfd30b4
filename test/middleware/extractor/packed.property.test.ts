/** What a service receives is the same, whether its tree travels nested or packed. */
import { expect } from 'chai';
import fc from 'fast-check';
import { decodeJwt } from 'jose';

import type { Issuer } from '../../../src/issuer/index.ts';
import { extractor, type RequestContext } from '../../../src/middleware/index.ts';
import { isPacked, pack, unpack, type DeferredClaimsKey } from '../../../src/token/index.ts';
import type { RawGraph } from '../../support/graphs/naive.ts';
import { randomGraph } from '../../support/graphs/random.ts';
import { PROVIDER, userGraph } from '../../support/graphs/random-with-users.ts';
import { comparable, type Payload } from '../../support/issuer/trees.ts';
import { clientOf, exchange, issuerFor, keysFor, serviceOf } from '../../support/issuer/issue.ts';
import { planOf } from '../../support/compile.ts';
import { NOW, makeSigner, type Signer } from '../../support/keys/signer.ts';
import { untilSeen } from '../../support/until-seen.ts';

/** Of one tree: the text of a token in each coding, and the service that gets it. */
interface Hop {
  readonly service: string;
  readonly nested: string;
  readonly packed: string;
}

const MOST_HOPS = 40;

describe('What a service receives', () => {
  let signer: Signer;
  let heldKeys: readonly DeferredClaimsKey[];
  const seen = { hops: 0, packedHops: 0, exchanged: 0, packedAnswers: 0 };

  before(async () => {
    signer = await makeSigner('ES256', 'provider');
    ({ heldKeys } = await keysFor('ES256'));
  });

  const user = fc.record({
    sub: fc.uuid(),
    email: fc.emailAddress({ size: 'small' }).filter((text) => text.length < 38),
  });
  type User = typeof user extends fc.Arbitrary<infer Value> ? Value : never;

  async function receive(issuer: Issuer, service: string, token: string): Promise<RequestContext> {
    const waybill = extractor({
      issuer: issuer.plan.issuer.url,
      audience: serviceOf(issuer.plan, service).audience,
      caller: 'none',
      clock: () => NOW,
      budget: { inbound: 1 << 20, outbound: 1 << 20 },
      jwksUri: 'http://127.0.0.1:8080/jwks',
      fetch: async () => Promise.resolve(Response.json(issuer.jwks)),
    });
    return waybill.authenticate({ authorization: `Bearer ${token}` });
  }

  async function rootOf(
    issuer: Issuer,
    client: string,
    encoding: 'nested' | 'packed',
    who: User,
  ): Promise<string> {
    const [service, call] = Object.entries(callsOf(issuer, client))[0] ?? [];
    const claims = {
      iss: PROVIDER,
      aud: 'app',
      ...who,
      account: { plan: 'basic' },
      iat: NOW,
      exp: NOW + 900,
    };
    const token = await signer.sign(claims, { typ: 'JWT' });
    const resources = [serviceOf(issuer.plan, service ?? '').audience];
    const request = { scopes: call ?? [], resources, encoding };
    return (await issuer.issueFor(clientOf(issuer.plan, client), { token, type: 'id_token' }, request)).token;
  }

  /** Scopes by entry. */
  function callsOf({ plan }: Issuer, client: string): Record<string, string[]> {
    const calls = clientOf(plan, client).calls.filter(({ mode }) => mode !== 'none');
    return Object.fromEntries(calls.map(({ callee, scopes }) => [callee, scopes.map(({ name }) => name)]));
  }

  async function checkHop(issuer: Issuer, { service, nested, packed }: Hop): Promise<Hop[]> {
    const [plain, other] = [await receive(issuer, service, nested), await receive(issuer, service, packed)];
    expect(other.claims).to.deep.equal(plain.claims);
    expect(other.scopes).to.deep.equal(plain.scopes);
    const { embedded = {}, on_demand: onDemand = {} } = decodeJwt<Payload>(nested);
    const below = Object.keys(embedded).map((callee) => {
      const [bare, sent] = [plain.child(callee), other.child(callee)];
      expect(bare).to.equal(embedded[callee]);
      expect(unpack(sent)).to.equal(bare);
      // Packed where it has children, and as if the nested child had been packed.
      expect(sent).to.equal(pack(bare));
      return { service: callee, nested: bare, packed: sent };
    });
    seen.hops++;
    if (isPacked(packed)) seen.packedHops++;
    for (const callee of Object.keys(onDemand)) {
      const [one, two] = await Promise.all(
        [nested, packed].map((token) => exchange(issuer, service, token, { audiences: [callee] })),
      );
      expect(await comparable(unpack(two?.token ?? ''), heldKeys)).to.deep.equal(
        await comparable(unpack(one?.token ?? ''), heldKeys),
      );
      if (isPacked(packed)) expect(two?.encoding).to.equal(two?.tokens === 1 ? 'nested' : 'packed');
      if (two?.encoding === 'packed') seen.packedAnswers++;
      seen.exchanged++;
    }
    return below;
  }

  async function checkGraph(graph: RawGraph, who: User): Promise<void> {
    const issuer = await issuerFor(planOf(userGraph(graph)), () => NOW, {
      fetch: async () => Promise.resolve(Response.json({ keys: [signer.publicJwk] })),
    });
    for (const client of Object.keys(graph.clients)) {
      if (Object.keys(callsOf(issuer, client)).length === 0) continue;
      const [nested, packed] = [
        await rootOf(issuer, client, 'nested', who),
        await rootOf(issuer, client, 'packed', who),
      ];
      // Two trees have two transactions.
      expect(await comparable(unpack(packed), heldKeys, 'txn')).to.deep.equal(
        await comparable(nested, heldKeys, 'txn'),
      );
      const waiting: Hop[] = [{ service: entryOf(issuer, client), nested: unpack(packed), packed }];
      for (let hops = 0; hops < MOST_HOPS; hops++) {
        const hop = waiting.shift();
        if (!hop) break;
        waiting.push(...(await checkHop(issuer, hop)));
      }
    }
  }

  function entryOf(issuer: Issuer, client: string): string {
    return Object.keys(callsOf(issuer, client))[0] ?? '';
  }

  it('is the same nested or packed, claims, scopes and children, on random graphs', async function () {
    this.timeout(120_000);
    await untilSeen(seen, 5, async () =>
      fc.assert(fc.asyncProperty(randomGraph, user, checkGraph), {
        numRuns: 60,
        interruptAfterTimeLimit: 60_000,
        markInterruptAsFailure: true,
      }),
    );
  });
});
