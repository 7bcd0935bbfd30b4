/** Whatever had to become an exchange: every token fits its hop, and every service gets what the graph says. */
import { expect } from 'chai';
import fc from 'fast-check';
import { decodeJwt } from 'jose';

import type { Issuer } from '../../src/issuer/index.ts';
import { isWaybillError } from '../../src/errors.ts';
import type { RawGraph } from '../graph/naive.ts';
import { randomGraph } from '../graph/random-graph.ts';
import { PROVIDER, userGraph } from '../graph/user-graph.ts';
import { comparable } from '../support/comparable.ts';
import { clientOf, exchange, issuerFor, keysFor, serviceOf, type Payload } from '../support/issued.ts';
import { draftOf, removeScratch } from '../support/scratch.ts';
import { NOW, makeSigner, type Signer } from '../token/signing.ts';

const MOST_TOKENS = 40;
/** What a tree carries beside its tokens' own claims differs with what was moved. */
const OF_THE_TREE = ['txn', 'embedded', 'on_demand', 'held', 'members'];

describe('A tree with calls left to be fetched', () => {
  let signer: Signer;
  const seen = { fitted: 0, refused: 0, moved: 0, movedWithHeld: 0 };

  before(async () => {
    signer = await makeSigner('ES256', 'provider');
  });
  afterEach(removeScratch);

  function issuerOf(graph: RawGraph, room: number | undefined): Promise<Issuer> {
    const document = JSON.parse(userGraph(graph)) as { issuer: object; defaults: { headers: object } };
    if (room !== undefined) {
      Object.assign(document.issuer, { overflow: 'exchange' });
      document.defaults.headers = { max_line: room + 24 };
    }
    const fetch = async () => Promise.resolve(Response.json({ keys: [signer.publicJwk] }));
    return issuerFor(draftOf(JSON.stringify(document)), () => NOW, { fetch });
  }

  async function root(
    issuer: Issuer,
    clientName: string,
    scopes: string[],
    service: string,
  ): Promise<string> {
    const claims = { iss: PROVIDER, aud: 'app', sub: 'u', email: 'u@example', account: { plan: 'pro' } };
    const token = await signer.sign({ ...claims, iat: NOW, exp: NOW + 900 }, { typ: 'JWT' });
    const resources = [serviceOf(issuer.plan, service).audience];
    const client = clientOf(issuer.plan, clientName);
    return (await issuer.issueFor(client, { token, type: 'id_token' }, { scopes, resources })).token;
  }

  /** Both trees, token by token: each child is embedded or fetched, wherever the two differ in that. */
  async function compare(small: Issuer, service: string, tokens: [string, string], room: number) {
    const { heldKeys } = await keysFor('ES256');
    const waiting = [{ service, tokens }];
    for (let at = waiting.shift(), count = 0; at && count < MOST_TOKENS; at = waiting.shift(), count++) {
      const here = at;
      const [expected, got] = await Promise.all(here.tokens.map((token) => comparable(token, heldKeys)));
      const own = (claims: Record<string, unknown> | undefined) =>
        Object.fromEntries(Object.entries(claims ?? {}).filter(([name]) => !OF_THE_TREE.includes(name)));
      expect(own(got)).to.deep.equal(own(expected));
      expect(here.tokens[1].length).to.be.at.most(room);
      const [declared, fitted] = here.tokens.map((token) => decodeJwt<Payload>(token));
      const calleesOf = (payload: Payload | undefined) =>
        [...Object.keys(payload?.embedded ?? {}), ...Object.keys(payload?.on_demand ?? {})].sort();
      expect(calleesOf(fitted)).to.deep.equal(calleesOf(declared));
      for (const callee of Object.keys(declared?.embedded ?? {})) {
        const child = fitted?.embedded?.[callee];
        if (child === undefined) seen.moved++;
        if (child === undefined && fitted?.held !== undefined && declared?.held === undefined)
          seen.movedWithHeld++;
        const fetched =
          child ?? (await exchange(small, here.service, here.tokens[1], { audiences: [callee] })).token;
        waiting.push({ service: callee, tokens: [declared!.embedded![callee]!, fetched] });
      }
    }
  }

  it('fits every hop and gives every service the claims of the whole tree, on random graphs', async function () {
    this.timeout(120_000);
    await fc.assert(
      fc.asyncProperty(randomGraph, fc.integer({ min: 450, max: 2_500 }), async (graph, room) => {
        const [whole, small] = [await issuerOf(graph, undefined), await issuerOf(graph, room)];
        for (const [clientName, client] of Object.entries(graph.clients)) {
          const entry = Object.entries(client.calls).find(([, call]) => call.mode !== 'none');
          if (!entry) continue;
          const [service, { scopes }] = entry;
          const declared = await root(whole, clientName, [...scopes], service);
          let fitted: string;
          try {
            fitted = await root(small, clientName, [...scopes], service);
          } catch (error) {
            if (!isWaybillError(error)) throw error;
            expect(error.code).to.equal('invalid_scope');
            seen.refused++;
            continue;
          }
          seen.fitted++;
          await compare(small, service, [declared, fitted], room);
        }
      }),
      { numRuns: 120, interruptAfterTimeLimit: 60_000, markInterruptAsFailure: true },
    );
    for (const [what, count] of Object.entries(seen)) expect(count, what).to.be.greaterThan(5);
  });
});
