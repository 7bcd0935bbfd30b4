/**
 * The way in which trees are signed equals the plain one, byte for byte: for clients' own trees, laid out once and filled
 * in, and for those in a user's name; with a key at hand, and with one that takes its time. Ed25519 signs alike each time.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'chai';
import fc from 'fast-check';
import { decodeJwt } from 'jose';

import { Measure, signingSize, type MeasuredToken } from '../../../src/planning/header-budget/index.ts';
import { isWaybillError } from '../../../src/errors.ts';
import { Walk, heldClaimsOf, reachableTokens, type ClientPlan, type Plan } from '../../../src/graph/index.ts';
import { TreeSigner } from '../../../src/issuer/signing/sign.ts';
import { newBranch, newTransaction, type TreeValues } from '../../../src/issuer/signing/values.ts';
import type { KeyRing } from '../../../src/issuer/keys/index.ts';
import { isPacked, pack, packNode } from '../../../src/token/index.ts';
import { randomGraph } from '../../support/graphs/random.ts';
import { lineages, userGraph, withLineage } from '../../support/graphs/random-with-users.ts';
import { keysFor } from '../../support/issuer/issue.ts';
import { tokensOf } from '../../support/issuer/trees.ts';
import { draftOf } from '../../support/compile.ts';
import { plainValue } from '../../support/issuer/plain-token.ts';
import { readFromThePage } from '../../token/packed/specification/reader.ts';
import { signPlainly, type PlainTree } from './naive-signing.ts';

const MOST_TOKENS = 60;
const CNF = { jkt: 'k'.repeat(43) };
/** A client's own tree, one from an exchange, and one whose root is bound to a key. */
const KINDS = ['plain', 'exchanged', 'bound'] as const;
type Kind = (typeof KINDS)[number];

type Values = TreeValues & PlainTree;

describe('Signing a tree', () => {
  let keys: KeyRing;
  const seen = {
    own: 0,
    users: 0,
    held: 0,
    packed: 0,
    late: 0,
    short: 0,
    refused: 0,
    plain: 0,
    exchanged: 0,
    bound: 0,
  };

  before(async () => {
    keys = await keysFor('Ed25519');
  });

  /** A KMS: each signature comes later, in no order. */
  const late = ({ signer, ...rest }: KeyRing): KeyRing => {
    const { alg, kid, signatureBytes } = signer;
    const sign = async (input: string): Promise<Uint8Array> => {
      await pause(Math.floor(Math.random() * 2));
      return signer.sign(input);
    };
    return { ...rest, signer: { alg, kid, signatureBytes, sign } };
  };

  function measured(
    plan: Plan,
    client: ClientPlan,
    values: TreeValues,
    index: number,
  ): MeasuredToken | undefined {
    const call = client.calls.filter(({ service, mode }) => service && mode !== 'none')[index];
    if (!call?.service) return undefined;
    const shape = new Walk().shape(call.service, call.scopes, undefined);
    if (shape.tokens > MOST_TOKENS) return undefined;
    // No bound token is forwarded: the issuer refuses the request.
    if (values.cnf && shape.branches.some(({ mode }) => mode === 'forward')) return undefined;
    const { alg, kid, signatureBytes } = keys.signer;
    const measure = new Measure({
      issuer: plan.issuer.url,
      sub: values.sub,
      clientId: client.name,
      signing: signingSize(alg, kid, signatureBytes),
      claimBytes: (claim) => {
        const value = values.valueOf(claim);
        return value === undefined ? undefined : Buffer.byteLength(JSON.stringify(value));
      },
      heldClaims: heldClaimsOf(plan),
      exchanged: values.branch !== undefined,
      confirmation: values.cnf && 'jkt',
    });
    return measure.exact(shape);
  }

  function valuesFor(client: ClientPlan, user: string | undefined, kind: Kind, round = 0): Values {
    const iat = 1_750_000_000 + round * 7;
    const ofSubject = ({ name }: { readonly name: string }) =>
      user !== undefined && name === 'email' ? `${user}@größe "x"` : undefined;
    return {
      client,
      hasOwnValues: user !== undefined,
      sub: user ?? client.name,
      txn: newTransaction(),
      branch: kind === 'exchanged' ? newBranch() : undefined,
      cnf: kind === 'bound' ? CNF : undefined,
      iat,
      exp: iat + 300 + round,
      ofSubject,
      valueOf: (claim) => plainValue(claim, { client, ofSubject }),
    };
  }

  function lacksClaim({ shape }: MeasuredToken, values: TreeValues): boolean {
    return [...reachableTokens([shape.body])].some(({ claims }) =>
      claims.some(({ claim, required }) => required && values.valueOf(claim) === undefined),
    );
  }

  async function compare(plan: Plan, signer: TreeSigner, tree: MeasuredToken, values: Values): Promise<void> {
    const { nested, node } = await signer.sign(tree, values, true);
    const tokens = tokensOf(nested);
    const held = new Map(
      tokens.flatMap(({ payload }): [number, string][] =>
        payload.held === undefined ? [] : [[Number(payload.jti?.split('.').at(-1)), payload.held]],
      ),
    );
    expect(nested).to.equal(await signPlainly(plan, keys.signer, tree, values, held));
    expect(nested.length).to.equal(tree.bytes);
    const packed = packNode(node!);
    expect(packed).to.equal(pack(nested, { nestedFor: nestedIn(tree) }));
    expect(isPacked(packed) ? readFromThePage(packed) : packed).to.equal(nested);
    expect((await signer.sign(tree, values)).nested.length).to.equal(tree.bytes);
    seen.held += held.size;
    seen.packed += tree.children.length > 0 ? 1 : 0;
    seen.short += tokens.some(({ payload }) => payload.exp !== decodeJwt(nested).exp) ? 1 : 0;
  }

  it('equals signing it plainly, on random graphs', async function () {
    this.timeout(180_000);
    await fc.assert(
      fc.asyncProperty(
        randomGraph,
        fc.boolean(),
        fc.boolean(),
        fc.constantFrom(...KINDS),
        lineages,
        async (graph, isUsers, isLate, kind, lineage) => {
          const lifetimes = { s1: 60, s3: 45, 's2:read': 30, 's1:admin': 20 };
          const document = JSON.parse(userGraph(graph, { lifetimes })) as {
            issuer: object;
            services: Record<string, object>;
          };
          Object.assign(document.issuer, { signing: 'Ed25519' });
          Object.assign(document.services['s2'] ?? {}, { accepts: 'jwt' });
          const plan = draftOf(withLineage(JSON.stringify(document), lineage));
          const signer = new TreeSigner(plan, isLate ? late(keys) : keys);
          for (const client of plan.clients.values()) {
            for (let index = 0; index < 3; index += 1) {
              const user = isUsers ? 'login:ürsula' : undefined;
              const tree = measured(plan, client, valuesFor(client, user, kind), index);
              if (!tree) continue;
              if (lacksClaim(tree, valuesFor(client, user, kind))) {
                const error = await signer
                  .sign(tree, valuesFor(client, user, kind))
                  .catch((thrown: unknown) => thrown);
                expect(isWaybillError(error, 'invalid_request')).to.equal(true);
                seen.refused += 1;
                continue;
              }
              // The second time a form is made, from the third on it is filled in.
              for (let round = 0; round < 4; round += 1)
                await compare(plan, signer, tree, valuesFor(client, user, kind, round));
              seen[isLate ? 'late' : isUsers ? 'users' : 'own'] += 1;
              seen[kind] += 1;
            }
          }
        },
      ),
      { numRuns: 60 },
    );
    for (const [what, count] of Object.entries(seen)) expect(count, what).to.be.above(0);
  });
});

/** Paths to tokens that travel nested: those of services that cannot unpack. */
function nestedIn(token: MeasuredToken, path: readonly string[] = []): (readonly string[])[] {
  return token.children.flatMap(({ branch, token: child }) => {
    const at = [...path, branch.callee];
    const own = child.children.length > 0 && child.shape.service.accepts === 'jwt' ? [at] : [];
    return [...own, ...nestedIn(child, at)];
  });
}
