import { expect } from 'chai';
import fc from 'fast-check';
import { randomBytes } from 'node:crypto';
import {
  Measure,
  signingSize,
  worstClaimBytes,
  type MeasuredToken,
} from '../../../src/planning/header-budget/index.ts';
import {
  Walk,
  keepsLineage,
  type ClientPlan,
  type Plan,
  type SigningAlgorithm,
  type TokenShape,
} from '../../../src/graph/index.ts';
import { inYaml } from '../../support/graphs/naive.ts';
import { randomGraph } from '../../support/graphs/random.ts';
import { lineages, withLineage } from '../../support/graphs/random-with-users.ts';
import { HEAD, client, planOf } from '../../support/compile.ts';
import { plainAct, plainInput, plainValue, type PlainActor } from '../../support/issuer/plain-token.ts';

const NOW = 1_800_000_000;
const TXN = 'AbCdEfGhIjKlMnOpQrStUv';
const SIGNATURES: Readonly<Record<SigningAlgorithm, number>> = {
  ES256: 64,
  Ed25519: 64,
  EdDSA: 64,
  PS256: 256,
  RS256: 256,
};

interface Values {
  readonly plan: Plan;
  readonly client: ClientPlan;
  readonly alg: SigningAlgorithm;
  readonly kid: string;
  readonly exchanged: boolean;
}

function exactly(values: Values): Measure {
  const {
    plan,
    client: { name },
    alg,
    kid,
    exchanged,
  } = values;
  return new Measure({
    issuer: plan.issuer.url,
    sub: name,
    clientId: name,
    heldClaims: () => [],
    signing: signingSize(alg, kid, SIGNATURES[alg]),
    claimBytes: (claim) => {
      const value = plainValue(claim, values);
      return value === undefined ? undefined : Buffer.byteLength(JSON.stringify(value));
    },
    exchanged,
    keepsLineage: keepsLineage(plan),
  });
}

/** The text of every token of a tree in pre-order, put together as an issuer would, with noise for signatures. */
function assemble(root: TokenShape, values: Values): string[] {
  const texts: string[] = [];
  const text = (shape: TokenShape, chain: PlainActor): string => {
    const n = texts.push('') - 1;
    const below = plainAct(shape, { ...values, chain }) ?? chain;
    const embedded = shape.branches.flatMap((branch) =>
      branch.shape ? [[branch.callee, text(branch.shape, below)] as const] : [],
    );
    const { plan, client: party, alg, kid, exchanged } = values;
    const input = plainInput(alg, kid, shape, {
      iss: plan.issuer.url,
      sub: party.name,
      client: party,
      iat: NOW,
      exp: NOW + 300,
      txn: TXN,
      n,
      chain,
      branch: exchanged ? 'AbCdEfGhIjK' : undefined,
      embedded,
    });
    const signature = randomBytes(SIGNATURES[values.alg]).toString('base64url');
    return (texts[n] = `${input}.${signature}`);
  };
  text(root, { sub: values.client.name });
  return texts;
}

function preOrder(token: MeasuredToken): MeasuredToken[] {
  return [token, ...token.children.flatMap((child) => preOrder(child.token))];
}

/** @returns the sizes of all tokens, once they are seen to be those of real ones. */
function compare(shape: TokenShape, values: Values): number[] {
  const measured = preOrder(exactly(values).exact(shape));
  const sizes = assemble(shape, values).map((text) => Buffer.byteLength(text));
  expect(measured.map(({ bytes }) => bytes)).to.deep.equal(sizes);
  expect(measured.map(({ n }) => n)).to.deep.equal(measured.map((_, at) => at));
  return sizes;
}

const UNICODE = `${HEAD.replace("'http://127.0.0.1:8080'", "'https://tokens.example/tenant'")}
claims:
  name: { value: 'Zoë \u{1f600} "quoted" \\ \\u0007' }
  tags: { value: [a, 1, true, null, { deep: grün }] }
  tier: { from: client, max_bytes: 64 }
  none: { from: client, max_bytes: 64 }
clients:
  web:
    auth: { method: client_secret_basic, secret_env: S }
    claims: { tier: "Ω\\n\\t\\u2028" }
    calls: { edge: [s] }
services:
  edge:
    audience: 'https://edge.example/ü?a=b'
    claims: [name, none]
    auth: { method: client_secret_basic, secret_env: E }
    scopes:
      s:
        calls:
          one: [r]
          two: { scopes: [r, q], mode: exchange }
          three: { scopes: [r], mode: exchange }
          list: [p]
  one: { identity: 'mesh://grün/one', claims: [tags, tier], scopes: { r: { calls: { list: [p] } } } }
  two: { audience: 'urn:zwei:ö', scopes: { r: , q: } }
  three: { scopes: { r: } }
  list: { claims: [name], scopes: { p: { calls: { taker: { scopes: [take, give], mode: forward } } } } }
  taker: { accepts_forward: [list], caller: none, claims: [name], scopes: { take: , give: } }
`;

describe('the measure of a token', () => {
  const algorithms: readonly SigningAlgorithm[] = ['ES256', 'Ed25519', 'EdDSA', 'PS256', 'RS256'];

  for (const alg of algorithms) {
    for (const exchanged of [false, true]) {
      it(`is the size of ${alg} tokens${exchanged ? ' of an exchange' : ''} with unicode, lists and on-demand calls`, () => {
        const plan = planOf(UNICODE);
        const values: Values = { plan, client: plan.clients.get('web')!, alg, kid: 'kéy-1234', exchanged };
        const edge = plan.services.get('edge')!;
        const caller = exchanged ? plan.services.get('one') : undefined;
        const shape = new Walk().shape(edge, [...edge.scopes.values()], caller);
        expect(shape.tokens).to.equal(4);
        expect(compare(shape, values)).to.have.lengthOf(4);
      });
    }
  }

  it('is exact while the numbers in `jti` grow from 9 to 10 and from 99 to 100', () => {
    const names = Array.from({ length: 104 }, (_, n) => `t${n}`);
    const plan =
      planOf(`${HEAD.replace("8080'", "8080', limits: { tokens: 200 }").replace('envoy', 'go')}${client('{ edge: [s] }')}services:
  edge: { scopes: { s: { calls: { ${names.map((name) => `${name}: [r]`).join(', ')} } } } }
${names.map((name) => `  ${name}: { scopes: { r: } }`).join('\n')}
`);
    const edge = plan.services.get('edge')!;
    const values: Values = {
      plan,
      client: plan.clients.get('web')!,
      alg: 'ES256',
      kid: 'abcdefgh',
      exchanged: false,
    };
    const shape = new Walk().shape(edge, [...edge.scopes.values()]);
    const sizes = compare(shape, values);
    // t8 is token 9, t9 is token 10, t98 is token 99, t99 is token 100.
    expect(sizes[10]).to.be.above(sizes[9]!);
    expect(sizes[100]).to.be.above(sizes[99]!);
  });

  it('is exact for random trees, and never above the worst case', function () {
    this.timeout(180_000);
    const seen = { trees: 0, narrow: 0, withLineage: 0 };
    fc.assert(
      fc.property(
        randomGraph,
        lineages,
        fc.constantFrom(...algorithms),
        fc.boolean(),
        (graph, lineage, alg, exchanged) => {
          const plan = planOf(withLineage(inYaml(graph), lineage));
          if (keepsLineage(plan)) seen.withLineage++;
          const walk = new Walk();
          for (const name of ['web', 'app']) {
            const values: Values = { plan, client: plan.clients.get(name)!, alg, kid: 'abcdefgh', exchanged };
            const digits = String(plan.issuer.limits.tokens - 1).length;
            for (const service of plan.services.values()) {
              const shape = walk.shape(service, [...service.scopes.values()]);
              if (shape.tokens > 500) continue;
              const tokens = preOrder(exactly(values).exact(shape));
              compare(shape, values);
              const same = exactly(values);
              const worst = new Measure({
                issuer: plan.issuer.url,
                sub: name,
                clientId: name,
                heldClaims: () => [],
                signing: signingSize(alg),
                claimBytes: worstClaimBytes(values.client),
                exchanged,
                keepsLineage: keepsLineage(plan),
              });
              for (const { shape: token, act, bytes } of tokens) {
                const above = act?.act;
                expect(same.worst(token, digits, above)).to.be.at.least(bytes);
                expect(worst.worst(token, digits, above)).to.be.at.least(same.worst(token, digits, above));
              }
              // Where every number has all its digits, the worst is no guess.
              const wide = String(shape.tokens - 1).length;
              seen.trees++;
              if (wide > 1 || keepsLineage(plan)) continue;
              expect(same.worst(shape, 1)).to.equal(tokens[0]?.bytes);
              seen.narrow++;
            }
          }
        },
      ),
      { numRuns: 60 },
    );
    expect(seen.trees).to.be.above(100);
    expect(seen.narrow).to.be.above(50);
    expect(seen.withLineage).to.be.above(10);
  });

  it('counts a claim at its bound and a fixed one exactly, and leaves out claims without a value', () => {
    const plan = planOf(UNICODE);
    const web = plan.clients.get('web')!;
    const bytes = worstClaimBytes(web);
    const needs = new Map(
      [...plan.services.values()].flatMap(({ claims }) =>
        claims.map(({ claim }) => [claim.name, bytes(claim)] as const),
      ),
    );
    expect(Object.fromEntries(needs)).to.deep.equal({
      name: Buffer.byteLength(JSON.stringify('Zoë \u{1f600} "quoted" \\ \\u0007')),
      tags: Buffer.byteLength(JSON.stringify(['a', 1, true, null, { deep: 'grün' }])),
      tier: 64 + '""'.length,
      none: undefined,
    });
  });
});
