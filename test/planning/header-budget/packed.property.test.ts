/** What packed tokens are said to weigh against real ones: issued, signed and packed. */
import { expect } from 'chai';
import fc from 'fast-check';

import {
  Measure,
  PackedSizes,
  PackedWeights,
  signingSize,
  worstClaimBytes,
  worstConfirmation,
  worstSubject,
  type MeasuredToken,
  type TokenWeights,
} from '../../../src/planning/header-budget/index.ts';
import { Walk, heldClaimsOf, type Plan, type ServicePlan } from '../../../src/graph/index.ts';
import { pack, type SigningAlgorithm } from '../../../src/token/index.ts';
import type { RawGraph } from '../../support/graphs/naive.ts';
import { randomGraph } from '../../support/graphs/random.ts';
import {
  PROVIDER,
  lineages,
  userGraph,
  withLineage,
  type GraphLineage,
} from '../../support/graphs/random-with-users.ts';
import { clientOf, exchange, issuerFor, keysFor, serviceOf } from '../../support/issuer/issue.ts';
import { tokensOf, type IssuedToken } from '../../support/issuer/trees.ts';
import { draftOf } from '../../support/compile.ts';
import { NOW, makeSigner, type Signer } from '../../support/keys/signer.ts';
import { untilSeen } from '../../support/until-seen.ts';

interface Setting {
  readonly audience: string;
  readonly identity: string;
  readonly alg: SigningAlgorithm;
  /** Some services have a life, an audience, an identity of their own. */
  readonly odd: boolean;
  /** Names that look like numbers come first in an object. */
  readonly numbers: boolean;
  readonly lineage: GraphLineage;
}

const setting: fc.Arbitrary<Setting> = fc.record({
  audience: fc.constantFrom(
    'https://{name}.test',
    'https://api.test/{name}',
    '{name}',
    'urn:x:{name}:{name}',
  ),
  identity: fc.constantFrom('spiffe://test/{name}', 'spiffe://other/ns/{name}/sa', '{name}'),
  alg: fc.constantFrom('ES256' as const, 'ES256' as const, 'Ed25519' as const),
  odd: fc.boolean(),
  lineage: lineages,
  numbers: fc.boolean().map((yes) => yes),
});

function planFor(graph: RawGraph, { audience, identity, alg, odd, numbers, lineage }: Setting): Plan {
  const document = JSON.parse(userGraph(graph)) as {
    issuer: object;
    defaults: object;
    services: Record<string, object>;
  };
  Object.assign(document.issuer, { url: 'https://tokens.test', signing: alg });
  Object.assign(document.defaults, { audience, identity });
  if (odd) {
    const [first, second, third] = Object.values(document.services);
    Object.assign(first ?? {}, { audience: 'https://shop.elsewhere/a"b' });
    Object.assign(second ?? {}, { identity: 'mesh:somebody', lifetime: '1m' });
    Object.assign(second ?? {}, { accepts: 'jwt' });
    Object.assign(third ?? {}, { audience: 'https://third.test', lifetime: '2m' });
  }
  const text = withLineage(JSON.stringify(document), lineage);
  return draftOf(numbers ? text.replaceAll('"s2"', '"2"').replaceAll('"s3"', '"3"') : text);
}

interface Values {
  readonly sub: string;
  readonly claims: Readonly<Record<string, unknown>>;
}

interface Issued {
  readonly token: string;
  readonly client: string;
  readonly service: ServicePlan;
  readonly caller: ServicePlan | undefined;
}

/** Tokens with children for services that take nothing but JWTs, as the issuer marks them. */
function marks(plan: Plan, root: IssuedToken): string[][] {
  return tokensOf(root.compact).flatMap(({ path, payload }) =>
    path.length > 0 && payload.embedded && plan.services.get(path.at(-1)!)?.accepts === 'jwt'
      ? [[...path]]
      : [],
  );
}

describe('the size of a packed token', () => {
  let signer: Signer;
  const seen = { trees: 0, packed: 0, nested: 0, held: 0, fetched: 0, lists: 0 };

  before(async () => {
    signer = await makeSigner('ES256', 'provider');
  });

  function measureOf(plan: Plan, { client, caller }: Issued, values: Values, kid: string): Measure {
    const { issuer } = plan;
    const { claims } = clientOf(plan, client);
    return new Measure({
      issuer: issuer.url,
      sub: values.sub,
      clientId: client,
      signing: signingSize(issuer.signing, kid),
      claimBytes: ({ name, source }) => {
        const value = 'value' in source ? source.value : (claims.get(name) ?? values.claims[name]);
        return value === undefined ? undefined : Buffer.byteLength(JSON.stringify(value));
      },
      heldClaims: heldClaimsOf(plan),
      exchanged: caller !== undefined,
    });
  }

  function worstOf(plan: Plan, { client, caller }: Issued): Measure {
    const asked = clientOf(plan, client);
    return new Measure({
      issuer: plan.issuer.url,
      sub: worstSubject(asked),
      clientId: client,
      signing: signingSize(plan.issuer.signing),
      claimBytes: worstClaimBytes(asked),
      heldClaims: heldClaimsOf(plan),
      exchanged: caller !== undefined,
      confirmation: worstConfirmation(asked),
    });
  }

  async function check(plan: Plan, issued: Issued, values: Values): Promise<void> {
    const { token, service, client, caller } = issued;
    const tokens = tokensOf(token);
    const [root] = tokens as [IssuedToken];
    const scopes = root.payload.scope.split(' ').flatMap((name) => service.scopes.get(name) ?? []);
    const shape = new Walk().shape(service, scopes, caller);
    const { heldKeys } = await keysFor(plan.issuer.signing);
    const measure = measureOf(plan, issued, values, heldKeys[0].kid);
    const { txn, iat = 0, exp = 0, jti = '' } = root.payload;
    const given = clientOf(plan, client).claims;
    const valueOf: NonNullable<ConstructorParameters<typeof PackedSizes>[2]>['valueOf'] = ({
      name,
      source,
    }) => ('value' in source ? source.value : (given.get(name) ?? values.claims[name]));
    const branch = jti.split('.').length > 2 ? jti.split('.')[1] : undefined;
    const above = root.payload.act?.act;
    const tree = measure.exact(shape, above);
    const exact = new PackedSizes(tree, measure, { valueOf, moment: { txn, branch, iat, exp } });
    const bound = new PackedSizes(tree, measure, { valueOf });
    const worstMeasure = worstOf(plan, issued);
    const worstTree = worstMeasure.exact(shape, above);
    const worst = new PackedSizes(worstTree, worstMeasure);
    const weights = new PackedWeights(shape, worstMeasure, above).root;
    seen.trees++;
    const compare = (at: MeasuredToken, largest: MeasuredToken, real: IssuedToken, weight: TokenWeights) => {
      const name = real.path.join(' > ');
      expect(exact.node(at).length, name).to.equal(real.compact.length);
      const coding = exact.coding(at);
      const sent = coding === 'packed' ? pack(real.compact, { nestedFor: marks(plan, real) }) : real.compact;
      const holds = tokensOf(real.compact).some(({ payload }) => payload.held !== undefined);
      if (holds && coding === 'packed') {
        seen.held++;
        expect(exact.exact(at), name).to.be.within(sent.length, sent.length + 64 * tokens.length);
      } else expect(exact.exact(at), name).to.equal(sent.length);
      expect(bound.bound(at), name).to.be.at.least(sent.length);
      expect(worst.bound(largest), name).to.be.at.least(bound.bound(at));
      expect(at.bytes, name).to.be.at.least(bound.bound(at));
      expect(largest.bytes, name).to.be.at.least(worst.bound(largest));
      if (Array.isArray(real.payload.aud)) seen.lists++;
      if (coding === 'nested') seen.nested++;
      if (coding === 'packed') {
        seen.packed++;
        expect(weight.declared, name).to.be.at.least(worst.bound(largest));
      }
      for (const [n, child] of at.children.entries()) {
        const next = tokens.find(
          ({ parent: above, path }) => above?.compact === real.compact && path.at(-1) === child.branch.callee,
        );
        const below = [...weight.children].find(([{ callee }]) => callee === child.branch.callee)![1];
        compare(child.token, largest.children[n]!.token, next!, below);
      }
    };
    compare(tree, worstTree, root, weights);
  }

  async function checkGraph(graph: RawGraph, drawn: Setting, values: Values): Promise<void> {
    const plan = planFor(graph, drawn);
    const fetch = async () => Promise.resolve(Response.json({ keys: [signer.publicJwk] }));
    const issuer = await issuerFor(plan, () => NOW, { fetch });
    for (const client of Object.keys(graph.clients)) {
      const call = clientOf(plan, client).calls.find(({ mode }) => mode !== 'none');
      if (!call?.service) continue;
      const claims = { email: values.claims['email'], account: { plan: values.claims['plan'] } };
      const sub = values.sub.slice('login:'.length);
      const times = { iat: NOW, exp: NOW + 900 };
      const token = await signer.sign(
        { iss: PROVIDER, aud: 'app', sub, ...claims, ...times },
        { typ: 'JWT' },
      );
      const wanted = { scopes: call.scopes.map(({ name }) => name), resources: [call.service.audience] };
      const tree = await issuer.issueFor(clientOf(plan, client), { token, type: 'id_token' }, wanted);
      await check(plan, { token: tree.token, client, service: call.service, caller: undefined }, values);
      const [root] = tokensOf(tree.token) as [IssuedToken];
      for (const callee of Object.keys(root.payload.on_demand ?? {}).slice(0, 2)) {
        const fetched = await exchange(issuer, call.service.name, tree.token, { audiences: [callee] });
        seen.fetched++;
        const service = serviceOf(plan, callee);
        await check(plan, { token: fetched.token, client, service, caller: call.service }, values);
      }
    }
  }

  it('is known before it is signed, and never above its bound, on random graphs', async function () {
    this.timeout(120_000);
    const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 });
    const user = fc.record({
      sub: fc.stringMatching(/^[a-zA-Z0-9.|-]{1,40}$/).map((sub) => `login:${sub}`),
      claims: fc.record({
        email: fc
          .oneof(text, fc.stringMatching(/^[a-z0-9.]{1,20}@[a-z]{1,8}\.example$/))
          .filter((email) => Buffer.byteLength(JSON.stringify(email)) <= 40),
        plan: fc
          .oneof(text, fc.integer(), fc.boolean(), fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 5 }))
          .filter((plan) => Buffer.byteLength(JSON.stringify(plan)) <= 20),
      }),
    });
    await untilSeen(seen, 10, async () =>
      fc.assert(fc.asyncProperty(randomGraph, setting, user, checkGraph), {
        numRuns: 150,
        interruptAfterTimeLimit: 80_000,
        markInterruptAsFailure: true,
      }),
    );
  });
});
