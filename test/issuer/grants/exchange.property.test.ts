/** An exchanged token is the one that would have been embedded, in all but `jti`, `iat` and `exp`. */
import { expect } from 'chai';
import fc from 'fast-check';
import { decodeJwt } from 'jose';

import {
  Measure,
  signingSize,
  worstClaimBytes,
  worstSubject,
} from '../../../src/planning/header-budget/index.ts';
import { isWaybillError } from '../../../src/errors.ts';
import {
  Walk,
  conjunctsOfRequest,
  decide,
  factValues,
  heldClaimsOf,
  heldConjunctsOf,
  keepsLineage,
  type Decision,
  type Plan,
} from '../../../src/graph/index.ts';
import type { Issuer } from '../../../src/issuer/index.ts';
import { pack, type DeferredClaimsKey } from '../../../src/token/index.ts';
import type { RawGraph } from '../../support/graphs/naive.ts';
import { randomGraph } from '../../support/graphs/random.ts';
import {
  PROVIDER,
  lineages,
  userGraph,
  withLineage,
  type GraphLineage,
  type UserGraphParts,
} from '../../support/graphs/random-with-users.ts';
import { comparable, tokensOf, type Payload } from '../../support/issuer/trees.ts';
import { clientOf, exchange, issuerFor, keysFor, serviceOf } from '../../support/issuer/issue.ts';
import { measuredShape } from '../../support/issuer/measured.ts';
import { planOf } from '../../support/compile.ts';
import { untilSeen } from '../../support/until-seen.ts';
import { NOW, makeSigner, type Json, type Signer } from '../../support/keys/signer.ts';

/** A token, and the way to it: each step takes what is embedded, or fetches it. */
interface Reached {
  readonly service: string;
  readonly token: string;
  readonly steps: readonly string[];
}

const text = (maxLength: number, bytes: number) =>
  fc
    .string({ unit: 'grapheme', minLength: 1, maxLength })
    .filter((value) => Buffer.byteLength(JSON.stringify(value)) <= bytes);

const user = fc.record({
  sub: text(40, 64),
  email: text(20, 40),
  plan: fc.option(fc.oneof(text(10, 20), fc.integer(), fc.boolean()), { nil: undefined }),
});
type User = typeof user extends fc.Arbitrary<infer Value> ? Value : never;

const lifetimes = fc.dictionary(fc.constantFrom('s1', 's2', 's3', 's4'), fc.integer({ min: 30, max: 200 }));

const MOST_EXCHANGES = 10;

/** What the issuer decides for this user, worked out again. */
function decisionFor(plan: Plan, clientName: string, { email }: User): Decision {
  const client = clientOf(plan, clientName);
  const facts = factValues(plan, client, { subject: { provider: 'login', claims: { email }, now: NOW } });
  return decide(conjunctsOfRequest(plan, client.calls), facts, plan.subjects.get('login'));
}

describe('An exchanged token', () => {
  let signer: Signer;
  let heldKeys: readonly DeferredClaimsKey[];
  const seen = {
    chained: 0,
    exchanged: 0,
    nested: 0,
    held: 0,
    ofEmbedded: 0,
    withClaims: 0,
    forwarded: 0,
    ofRequest: 0,
    ofConditions: 0,
    severalNames: 0,
  };

  before(async () => {
    signer = await makeSigner('ES256', 'provider');
    ({ heldKeys } = await keysFor('ES256'));
  });

  function issuerOf(graph: RawGraph, lineage: GraphLineage, parts: UserGraphParts): Promise<Issuer> {
    const fetch = async () => Promise.resolve(Response.json({ keys: [signer.publicJwk] }));
    return issuerFor(planOf(withLineage(userGraph(graph, parts), lineage)), () => NOW, { fetch });
  }

  function userToken({ sub, email, plan }: User): Promise<string> {
    const claims: Json = {
      iss: PROVIDER,
      aud: 'app',
      sub,
      email,
      account: { plan },
      iat: NOW,
      exp: NOW + 900,
    };
    return signer.sign(JSON.parse(JSON.stringify(claims)) as Json, { typ: 'JWT' });
  }

  /** What the client says of its request. */
  function requestOf(clientName: string, { plan }: User): Readonly<Record<string, unknown>> {
    const whole = Number.isSafeInteger(plan) ? { plan: Object.is(plan, -0) ? 0 : plan } : {};
    return { tier: `of ${clientName}`, ...whole };
  }

  async function root(
    issuer: Issuer,
    clientName: string,
    scope: string,
    resource: string,
    who: User,
    ofRequest: boolean,
  ): Promise<string | undefined> {
    const subject = { token: await userToken(who), type: 'id_token' } as const;
    const details = ofRequest ? { request: requestOf(clientName, who) } : {};
    const request = { scopes: [scope], resources: [resource], ...details };
    try {
      return (await issuer.issueFor(clientOf(issuer.plan, clientName), subject, request)).token;
    } catch (error) {
      // No user of the graph meets the condition of this scope.
      if (isWaybillError(error, 'invalid_scope', 'insufficient_user_authentication')) return undefined;
      throw error;
    }
  }

  async function reach(issuer: Issuer, from: Reached, steps: readonly string[]): Promise<Reached> {
    let { service, token } = from;
    for (const step of steps) {
      const child = decodeJwt<Payload>(token).embedded?.[step];
      token = child ?? (await exchange(issuer, service, token, { audiences: [step] })).token;
      service = step;
    }
    return { service, token, steps };
  }

  /** Issued bytes are those that were measured, and never more than what was planned. */
  function checkSizes(
    plan: Plan,
    { service, token }: Reached,
    who: User,
    caller: string | undefined,
    ofRequest: boolean,
  ): void {
    const { scope, client_id: clientName, sub = '', aud = '', act } = decodeJwt<Payload>(token);
    const above = act?.act;
    const target = serviceOf(plan, service);
    const scopes = scope.split(' ').flatMap((name) => target.scopes.get(name) ?? []);
    const decision = decisionFor(plan, clientName, who);
    const shape = new Walk(decision).shape(
      target,
      scopes,
      caller === undefined ? undefined : serviceOf(plan, caller),
    );
    const client = clientOf(plan, clientName);
    const exchanged = caller !== undefined;
    const claims = { email: who.email, ...(ofRequest ? requestOf(clientName, who) : { plan: who.plan }) };
    const lengths = tokensOf(token).map(({ compact }) => compact.length);
    expect(lengths, String(aud)).to.deep.equal(
      measuredShape(plan, shape, { client, sub, claims, exchanged, above, decision }),
    );
    const worst = new Measure({
      issuer: plan.issuer.url,
      sub: worstSubject(client),
      clientId: client.name,
      signing: signingSize('ES256'),
      claimBytes: worstClaimBytes(client),
      heldClaims: heldClaimsOf(plan),
      heldConjuncts: heldConjunctsOf(plan),
      exchanged,
      keepsLineage: keepsLineage(plan),
    });
    expect(token.length).to.be.at.most(worst.worst(shape, 4, above));
  }

  async function checkGraph(
    graph: RawGraph,
    who: User,
    lives: Readonly<Record<string, number>>,
    lineage: GraphLineage,
    ofRequest: boolean,
    severalNames: boolean,
    conditional: boolean,
  ): Promise<void> {
    const parts = { lifetimes: lives, ofRequest, severalNames, conditional };
    const issuer = await issuerOf(graph, lineage, parts);
    for (const [clientName, client] of Object.entries(graph.clients)) {
      const entry = Object.entries(client.calls).find(([, call]) => call.mode !== 'none');
      if (!entry) continue;
      const [service, { scopes }] = entry;
      const scope = scopes.at(-1)!;
      const resource = serviceOf(issuer.plan, service).audience;
      const token = await root(issuer, clientName, scope, resource, who, ofRequest);
      if (token === undefined) continue;
      const start = { service, token, steps: [] };
      checkSizes(issuer.plan, start, who, undefined, ofRequest);
      const waiting: Reached[] = [start];
      const done = new Set<string>();
      for (let at = waiting.shift(); at && done.size < MOST_EXCHANGES; at = waiting.shift()) {
        const here = at;
        const { embedded = {}, on_demand: onDemand = {}, aud } = decodeJwt<Payload>(here.token);
        if (Array.isArray(aud)) seen.forwarded++;
        for (const [callee, child] of Object.entries(embedded)) {
          waiting.push({ service: callee, token: child, steps: [...here.steps, callee] });
          const key = `${here.service} embeds ${callee}`;
          if (done.has(key)) continue;
          done.add(key);
          const expected = await comparable(child, heldKeys);
          for (const subjectToken of [here.token, pack(here.token)]) {
            const fetched = await exchange(issuer, here.service, subjectToken, {
              audiences: [callee],
              encoding: 'nested',
            });
            expect(await comparable(fetched.token, heldKeys)).to.deep.equal(expected);
          }
          seen.ofEmbedded++;
          if (JSON.stringify(expected).includes(JSON.stringify(who.email))) seen.withClaims++;
        }
        for (const callee of Object.keys(onDemand)) {
          const key = `${here.service} → ${callee}`;
          if (done.has(key)) continue;
          done.add(key);
          const fetched = await exchange(issuer, here.service, here.token, { audiences: [callee] });
          const reached = { service: callee, token: fetched.token, steps: [...here.steps, callee] };
          checkSizes(issuer.plan, reached, who, here.service, ofRequest);
          waiting.push(reached);
          const other = await issuerOf(graph, lineage, { ...parts, embedded: new Set([key]) });
          const otherRoot = {
            ...start,
            token: (await root(other, clientName, scope, resource, who, ofRequest))!,
          };
          const caller = await reach(other, otherRoot, here.steps);
          const expected = decodeJwt<Payload>(caller.token).embedded?.[callee];
          if (expected === undefined) throw new Error(`${key} is not embedded`);
          // Two trees have two transactions; each has one throughout.
          const got = await comparable(fetched.token, heldKeys, 'txn');
          expect(got).to.deep.equal(await comparable(expected, heldKeys, 'txn'));
          const txns = new Set(tokensOf(fetched.token).map(({ payload }) => payload.txn));
          expect([...txns]).to.deep.equal([decodeJwt<Payload>(start.token).txn]);
          seen.exchanged++;
          if (JSON.stringify(got).includes('"also"')) seen.severalNames++;
          if (conditional && JSON.stringify(got).includes('"met":["')) seen.ofConditions++;
          if (ofRequest && JSON.stringify(got).includes(`"of ${clientName}"`)) seen.ofRequest++;
          if (here.steps.length > 0) seen.nested++;
          if (decodeJwt<Payload>(fetched.token).act?.act?.act) seen.chained++;
          if (tokensOf(fetched.token).some(({ payload }) => payload.held !== undefined)) seen.held++;
        }
      }
    }
  }

  it('X5: equals the one that would have been embedded, whole subtree, on random graphs; sizes hold', async function () {
    this.timeout(120_000);
    await untilSeen(seen, 10, async () =>
      fc.assert(
        fc.asyncProperty(
          randomGraph,
          user,
          lifetimes,
          lineages,
          fc.boolean(),
          fc.boolean(),
          fc.boolean(),
          checkGraph,
        ),
        {
          numRuns: 100,
          interruptAfterTimeLimit: 60_000,
          markInterruptAsFailure: true,
        },
      ),
    );
  });
});
