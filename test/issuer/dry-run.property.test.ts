/** A dry run says what the issuer signs: every token of a tree, and every token that a service fetches with one of them. */
import { expect } from 'chai';
import fc from 'fast-check';
import { decodeJwt } from 'jose';

import { isWaybillError } from '../../src/errors.ts';
import { dryRun, type Issuer, type UnsignedToken } from '../../src/issuer/index.ts';
import { planOf } from '../support/compile.ts';
import { audienceOf } from '../support/graphs/naive.ts';
import { randomGraph } from '../support/graphs/random.ts';
import { PROVIDER, lineages, userGraph, withLineage } from '../support/graphs/random-with-users.ts';
import { clientOf, exchange, issuerFor } from '../support/issuer/issue.ts';
import type { Payload } from '../support/issuer/trees.ts';
import { NOW, makeSigner, type Json, type Signer } from '../support/keys/signer.ts';

const seed = Date.now() % 2 ** 31;

const user = fc.record({
  // Some have none, and one is larger than the graph allows.
  email: fc.oneof(fc.string(), fc.constantFrom(undefined, 'x'.repeat(60))),
  plan: fc.option(fc.constantFrom('free', 'paid'), { nil: undefined }),
});
const lifetimes = fc.dictionary(fc.constantFrom('s1', 's2', 's3'), fc.integer({ min: 30, max: 200 }));

/** What the client says of its request, where the graph has claims of it; not all that it says is allowed. */
const details = fc.option(
  fc.record(
    { tier: fc.string(), plan: fc.oneof(fc.nat(), fc.constant('many')), email: fc.string() },
    { requiredKeys: ['tier'] },
  ),
  { nil: undefined },
);

async function outcomeOf<Result>(run: () => Result | Promise<Result>): Promise<Result | string> {
  try {
    return await run();
  } catch (error) {
    if (isWaybillError(error)) return error.code === 'invalid_grant' ? 'invalid_request' : error.code;
    throw error;
  }
}

describe(`A dry run (seed ${seed})`, () => {
  let signer: Signer;
  const seen = { tokens: 0, exchanged: 0, refused: 0, forwarded: 0, valued: 0 };

  before(async () => {
    signer = await makeSigner('ES256', 'provider');
  });

  /** @param left exchanges that may still be made: unfolded, a tree can lead to thousands. */
  async function compare(
    issuer: Issuer,
    token: string,
    expected: UnsignedToken,
    left: { exchanges: number },
  ): Promise<void> {
    const { embedded = {}, on_demand: onDemand = {}, ...claims } = decodeJwt<Payload>(token);
    seen.tokens++;
    const own = claims.scope.split(' ').slice(0, expected.scopes.length);
    expect(own).to.deep.equal(expected.scopes);
    expect(claims.act).to.deep.equal(expected.actor);
    for (const name of ['tier', 'region', 'email', 'plan']) {
      expect(claims[name], name).to.deep.equal(expected.claims.get(name));
      if (claims[name] !== undefined) seen.valued++;
    }
    expect(Number(claims.exp) - Number(claims.iat)).to.equal(expected.expiresIn);
    const presented = new Set([...Object.keys(embedded), ...Object.keys(onDemand)]);
    const forwarded = expected.callees.filter((callee) => !presented.has(callee));
    expect(forwarded.map((callee) => expected.child(callee)?.mode)).to.deep.equal(
      forwarded.map(() => 'forward'),
    );
    expect(expected.callees).to.include.members([...presented]);
    seen.forwarded += forwarded.length;
    for (const [callee, child] of Object.entries(embedded))
      await compare(issuer, child, expected.child(callee)!, left);
    for (const callee of Object.keys(onDemand)) {
      if (left.exchanges-- <= 0) return;
      seen.exchanged++;
      const fetched = await outcomeOf(() =>
        exchange(issuer, expected.service, token, { audiences: [callee] }),
      );
      const dry = await outcomeOf(() => expected.child(callee)!);
      if (typeof fetched === 'string' || typeof dry === 'string') expect(dry).to.equal(fetched);
      else await compare(issuer, fetched.token, dry, left);
    }
  }

  it('equals the signed tree on random graphs, or fails with the same code', async function () {
    this.timeout(300_000);
    await fc.assert(
      fc.asyncProperty(
        randomGraph,
        user,
        lineages,
        lifetimes,
        details,
        async (graph, who, lineage, lives, said) => {
          const parts = { lifetimes: lives, ofRequest: said !== undefined };
          const plan = planOf(withLineage(userGraph(graph, parts), lineage));
          const fetch = async () => Promise.resolve(Response.json({ keys: [signer.publicJwk] }));
          const issuer = await issuerFor(plan, () => NOW, { fetch });
          const claims: Json = { iss: PROVIDER, aud: 'app', sub: 'u1', iat: NOW, exp: NOW + 900 };
          const account = { plan: who.plan };
          const ofUser = JSON.parse(JSON.stringify({ ...claims, email: who.email, account })) as Json;
          const subject = { token: await signer.sign(ofUser, { typ: 'JWT' }), type: 'id_token' } as const;
          for (const [name, { calls }] of Object.entries(graph.clients)) {
            for (const [service, { scopes, mode }] of Object.entries(calls)) {
              if (mode === 'none') continue;
              const client = clientOf(plan, name);
              const request = {
                scopes,
                resources: [audienceOf(service)],
                ...(said ? { request: said } : {}),
              };
              const issued = await outcomeOf(() => issuer.issueFor(client, subject, request));
              const run = { provider: 'login', sub: 'u1', claims: ofUser };
              const dry = await outcomeOf(() => dryRun(plan, client, request, run));
              if (typeof issued === 'string' || typeof dry === 'string') {
                expect(dry).to.equal(issued);
                seen.refused++;
              } else await compare(issuer, issued.token, dry, { exchanges: 5 });
            }
          }
        },
      ),
      { seed, numRuns: 100, endOnFailure: true },
    );
    for (const [what, count] of Object.entries(seen)) expect(count, what).to.be.above(10);
  });
});
