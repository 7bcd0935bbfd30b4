import { expect } from 'chai';
import fc from 'fast-check';

import { compileGraph } from '../../../src/planning/compile.ts';
import { signingSize } from '../../../src/planning/header-budget/index.ts';
import { clientOf, issuerFor, keysFor } from '../../support/issuer/issue.ts';
import { tokensOf } from '../../support/issuer/trees.ts';
import { measured } from '../../support/issuer/measured.ts';
import { removeScratch, scratchFile } from '../../support/files.ts';
import type { SigningAlgorithm } from '../../../src/token/index.ts';

/** Random graphs without cycles: service i calls only services after it. JSON is YAML too. */
const SERVICES = 6;
const name = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,20}$/);
/** A name in braces would be a placeholder that nothing fills. */
const scopeName = fc
  .stringMatching(/^[\x21\x23-\x5b\x5d-\x7e]{1,16}$/)
  .filter((text) => !text.includes('${') && !text.startsWith('x-'))
  .filter((scope) => !/\{[A-Za-z][\w.-]*\}/.test(scope));
const value = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 20 }).filter((text) => !text.includes('${')),
  fc.integer(),
  fc.boolean(),
  fc.array(
    fc.string({ unit: 'grapheme', maxLength: 4 }).filter((text) => !text.includes('$')),
    { maxLength: 3 },
  ),
);

interface Drawn {
  readonly names: string[];
  readonly scopes: string[][];
  readonly calls: { from: number; scope: number; to: number; asks: number; mode: 'embed' | 'exchange' }[];
  readonly claims: { name: string; value: unknown; by: number }[];
  readonly client: string;
}

const drawn: fc.Arbitrary<Drawn> = fc.record({
  names: fc.uniqueArray(name, {
    minLength: SERVICES,
    maxLength: SERVICES,
    selector: (text) => text.toLowerCase(),
  }),
  scopes: fc.array(fc.uniqueArray(scopeName, { minLength: 1, maxLength: 3 }), {
    minLength: SERVICES,
    maxLength: SERVICES,
  }),
  calls: fc.array(
    fc.record({
      from: fc.nat(SERVICES - 2),
      scope: fc.nat(2),
      to: fc.integer({ min: 1, max: SERVICES - 1 }),
      asks: fc.nat(2),
      mode: fc.constantFrom('embed' as const, 'embed' as const, 'embed' as const, 'exchange' as const),
    }),
    { minLength: 4, maxLength: 16 },
  ),
  claims: fc.uniqueArray(
    fc.record({
      name: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._:/-]{0,12}$/),
      value,
      by: fc.nat(SERVICES - 1),
    }),
    { maxLength: 4, selector: (claim) => claim.name },
  ),
  client: fc.stringMatching(/^client[A-Za-z0-9._-]{1,20}$/),
});

/** @returns the graph as JSON. */
function graphOf({ names, scopes, calls, claims, client }: Drawn, signing: SigningAlgorithm): string {
  // A name of one service never meets another's, nor one that the language keeps.
  const named = names.map((text, index) => `s${index}.${text}`);
  const claimNames = new Map(claims.map((claim) => [claim, `c.${claim.name}`]));
  const modes = new Map<string, string>();
  const bodies = named.map((_, index) => ({
    claims: claims.filter(({ by }) => by === index).map((claim) => claimNames.get(claim)),
    scopes: Object.fromEntries(
      (scopes[index] ?? []).map((scope): [string, { calls: Record<string, object> }] => [
        scope,
        { calls: {} },
      ]),
    ),
  }));
  for (const { from, scope, to, asks, mode } of calls) {
    const target = from + 1 + (to % (SERVICES - 1 - from));
    const own = Object.values(bodies[from]?.scopes ?? {});
    const theirs = scopes[target] ?? [];
    const key = `${from} ${target}`; // calls between two services agree on the mode
    modes.set(key, modes.get(key) ?? mode);
    const body = own[scope % own.length];
    if (body)
      body.calls[named[target] as string] = { scopes: [theirs[asks % theirs.length]], mode: modes.get(key) };
  }
  return JSON.stringify({
    waybill: 1,
    issuer: { url: 'https://tokens.example', signing, limits: { tokens: 4096, nested: '16MiB' } },
    claims: Object.fromEntries(claims.map((claim) => [claimNames.get(claim), { value: claim.value }])),
    defaults: { audience: 'https://{name}.example', headers: { max_total: '16MiB' } },
    clients: {
      [client]: {
        auth: { method: 'client_secret_basic', secret_env: 'A_SECRET' },
        calls: { [named[0] as string]: scopes[0] },
      },
    },
    services: Object.fromEntries(named.map((service, index) => [service, bodies[index]])),
  });
}

async function checkSizes(graph: Drawn, alg: SigningAlgorithm): Promise<void> {
  const text = graphOf(graph, alg);
  const { plan, findings } = compileGraph([scratchFile('graph.json.yaml', text)]);
  const errors = findings.filter(({ severity }) => severity === 'error');
  expect(errors.map(({ code, message }) => `${code} ${message}`)).to.deep.equal([]);
  if (!plan) return;
  const { signer } = await keysFor(alg);
  const issuer = await issuerFor(plan);
  const all = graph.scopes[0] ?? [];
  for (const scopes of [...all.map((scope) => [scope]), all]) {
    const { token, tokens, bytes } = await issuer.issue(clientOf(plan, graph.client), { scopes });
    const lengths = tokensOf(token).map(({ compact }) => compact.length);
    const signing = signingSize(alg, signer.kid, signer.signatureBytes);
    // Members of an object that look like numbers come first in JSON; each token's own size stays what it is.
    expect(lengths.toSorted(ascending)).to.deep.equal(
      measured(plan, graph.client, { scopes }, signing).toSorted(ascending),
    );
    expect({ tokens, bytes }).to.deep.equal({ tokens: lengths.length, bytes: token.length });
  }
}

const ascending = (a: number, b: number) => a - b;

describe('Measured and issued bytes', () => {
  after(removeScratch);
  afterEach(removeScratch);

  const runs: Readonly<Record<SigningAlgorithm, number>> = {
    ES256: 60,
    Ed25519: 40,
    EdDSA: 20,
    PS256: 6,
    RS256: 6,
  };
  for (const [alg, numRuns] of Object.entries(runs) as [SigningAlgorithm, number][]) {
    it(`${alg}: are the same for every token of random graphs`, async () => {
      await fc.assert(
        fc.asyncProperty(drawn, (graph) => checkSizes(graph, alg)),
        { numRuns },
      );
    });
  }
});
