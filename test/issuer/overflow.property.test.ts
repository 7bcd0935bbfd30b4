/** Whatever had to become an exchange: every token fits its hop, and every service gets what the graph says. */
import { expect } from 'chai';
import fc from 'fast-check';
import { decodeJwt } from 'jose';

import type { Issuer } from '../../src/issuer/index.ts';
import { isWaybillError } from '../../src/errors.ts';
import type { Encoding } from '../../src/graph/index.ts';
import { isPacked, pack, unpack } from '../../src/token/index.ts';
import type { RawGraph } from '../support/graphs/naive.ts';
import { randomGraph } from '../support/graphs/random.ts';
import { PROVIDER, userGraph } from '../support/graphs/random-with-users.ts';
import { comparable, tokensOf, type Payload } from '../support/issuer/trees.ts';
import { clientOf, exchange, issuerFor, keysFor, serviceOf } from '../support/issuer/issue.ts';
import { draftOf } from '../support/compile.ts';
import { NOW, makeSigner, type Signer } from '../support/keys/signer.ts';
import { untilSeen } from '../support/until-seen.ts';

const MOST_TOKENS = 40;
/** What a tree carries beside its tokens' own claims differs with what was moved. */
const OF_THE_TREE = ['txn', 'embedded', 'on_demand', 'held', 'members'];

describe('A tree with calls left to be fetched', () => {
  let signer: Signer;
  const seen = { fitted: 0, refused: 0, moved: 0, movedWithHeld: 0 };
  const seenPacked = { ...seen, packed: 0, nested: 0 };

  before(async () => {
    signer = await makeSigner('ES256', 'provider');
  });

  function issuerOf(graph: RawGraph, room: number | undefined, encoding: Encoding): Promise<Issuer> {
    const document = JSON.parse(userGraph(graph)) as {
      issuer: object;
      defaults: { headers: object };
      services: Record<string, object>;
    };
    if (encoding === 'packed') Object.assign(document.services['s2'] ?? {}, { accepts: 'jwt' });
    if (room !== undefined) {
      Object.assign(document.issuer, { overflow: 'exchange', encoding });
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

  /** A token of a tree as it is sent over its hop: marks of those that travel nested are the issuer's to set. */
  function sent({ plan }: Issuer, service: string, nested: string, encoding: Encoding): string {
    if (encoding === 'nested' || serviceOf(plan, service).accepts === 'jwt') return nested;
    const nestedFor = tokensOf(nested).flatMap(({ path, payload }) =>
      path.length > 0 && payload.embedded && serviceOf(plan, path.at(-1)!).accepts === 'jwt'
        ? [[...path]]
        : [],
    );
    return pack(nested, { nestedFor });
  }

  /** Both trees, token by token: each child is embedded or fetched, wherever the two differ in that. */
  async function compare(
    small: Issuer,
    start: { service: string; tokens: [string, string]; encoding: Encoding },
    room: number,
    counts: typeof seen,
  ) {
    const { heldKeys } = await keysFor('ES256');
    const waiting = [start];
    for (let at = waiting.shift(), count = 0; at && count < MOST_TOKENS; at = waiting.shift(), count++) {
      const here = at;
      const [expected, got] = await Promise.all(here.tokens.map((token) => comparable(token, heldKeys)));
      const own = (claims: Record<string, unknown> | undefined) =>
        Object.fromEntries(Object.entries(claims ?? {}).filter(([name]) => !OF_THE_TREE.includes(name)));
      expect(own(got)).to.deep.equal(own(expected));
      const carried = sent(small, here.service, here.tokens[1], here.encoding);
      expect(carried.length).to.be.at.most(room);
      if (isPacked(carried)) seenPacked.packed++;
      else if (start.encoding === 'packed' && here.encoding === 'nested') seenPacked.nested++;
      const encoding = serviceOf(small.plan, here.service).accepts === 'jwt' ? 'nested' : here.encoding;
      const [declared, fitted] = here.tokens.map((token) => decodeJwt<Payload>(token));
      const calleesOf = (payload: Payload | undefined) =>
        [...Object.keys(payload?.embedded ?? {}), ...Object.keys(payload?.on_demand ?? {})].sort();
      expect(calleesOf(fitted)).to.deep.equal(calleesOf(declared));
      for (const callee of Object.keys(declared?.embedded ?? {})) {
        const child = fitted?.embedded?.[callee];
        if (child === undefined) counts.moved++;
        if (child === undefined && fitted?.held !== undefined && declared?.held === undefined)
          counts.movedWithHeld++;
        const fetched =
          child ??
          unpack((await exchange(small, here.service, carried, { audiences: [callee], encoding })).token);
        waiting.push({ service: callee, tokens: [declared!.embedded![callee]!, fetched], encoding });
      }
    }
  }

  for (const encoding of ['nested', 'packed'] as const) {
    const counts = encoding === 'nested' ? seen : seenPacked;
    const rooms = encoding === 'nested' ? { min: 450, max: 2_500 } : { min: 450, max: 900 };
    it(`fits every hop and gives every service the claims of the whole tree, ${encoding}, on random graphs`, async function () {
      this.timeout(120_000);
      const property = fc.asyncProperty(randomGraph, fc.integer(rooms), async (graph, room) => {
        const whole = await issuerOf(graph, undefined, 'nested');
        const small = await issuerOf(graph, room, encoding);
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
            counts.refused++;
            continue;
          }
          counts.fitted++;
          expect(fitted.length).to.be.at.most(room);
          await compare(small, { service, tokens: [declared, unpack(fitted)], encoding }, room, counts);
        }
      });
      const limits = { numRuns: 120, interruptAfterTimeLimit: 60_000, markInterruptAsFailure: true };
      await untilSeen(counts, 5, async () => fc.assert(property, limits));
    });
  }
});
