/** What a binding to a key weighs: planned to the byte, foreseen when the graph is compiled, kept apart when trees are. */
import { expect } from 'chai';

import { isWaybillError } from '../../../src/errors.ts';
import { Walk, resolveRequest, type Plan } from '../../../src/graph/index.ts';
import type { IssuedTree } from '../../../src/issuer/index.ts';
import { everyHopFits, planRequest } from '../../../src/planning/request-plan.ts';
import type { Confirmation } from '../../../src/token/index.ts';
import { boundShop } from '../../support/graphs/bound.ts';
import { HEAD, compileText, planOf } from '../../support/compile.ts';
import { clientOf, issuerFor, keysFor } from '../../support/issuer/issue.ts';
import { tokensOf } from '../../support/issuer/trees.ts';
import { measuredShape } from '../../support/issuer/measured.ts';
import { signingSize } from '../../../src/planning/header-budget/index.ts';

const JKT: Confirmation = { jkt: 'k'.repeat(43) };
const X5T: Confirmation = { 'x5t#S256': 'k'.repeat(43) };
const AUTH = 'auth: { method: client_secret_basic, secret_env: S }';
/** Numbers of one digit in a `jti`, so that the worst is no guess. */
const TOP = HEAD.replace("8080'", "8080', limits: { tokens: 8 }");
const LINE = 'Authorization: Bearer \r\n'.length;

/** One client, one service whose server takes header lines of so many bytes. */
const graph = (more: string, line: number, scopes = '[s]', service = 's:'): string =>
  `${TOP}clients:\n  web: { ${AUTH}, ${more} calls: { a: ${scopes} } }
services:\n  a: { headers: { max_line: ${line} }, scopes: { ${service} } }\n`;

/** The most that a finding says that the token can have. */
function worst(more: string): number {
  const [finding] = compileText(graph(more, 25)).findings;
  return Number(/can have ([\d,]+) bytes/.exec(finding?.message ?? '')?.[1]?.replaceAll(',', ''));
}

const issued = async (
  plan: Plan,
  client: string,
  scopes: string[],
  cnf?: Confirmation,
): Promise<IssuedTree> => (await issuerFor(plan)).issue(clientOf(plan, client), { scopes, cnf });

describe('The size of a key binding', () => {
  it('is measured to the byte, on the root alone', async () => {
    const plan = planOf(boundShop({ url: 'https://tokens.example' }));
    const client = clientOf(plan, 'free');
    const { service, scopes } = resolveRequest(plan, client, { scopes: ['order'] });
    const shape = new Walk().shape(service, scopes);
    const { signer } = await keysFor('ES256');
    const signing = signingSize('ES256', signer.kid, signer.signatureBytes);
    const sizes = [];
    for (const [cnf, confirmation] of [
      [undefined, undefined],
      [JKT, 'jkt'],
      [X5T, 'x5t#S256'],
    ] as const) {
      const { token } = await issued(plan, 'free', ['order'], cnf);
      const lengths = tokensOf(token).map(({ compact }) => compact.length);
      expect(measuredShape(plan, shape, { client, signing, confirmation })).to.deep.equal(lengths);
      sizes.push(lengths);
    }
    const [[bare = 0, child] = [], [byProof = 0, second] = [], [byCertificate = 0, third] = []] = sizes;
    expect([second, third]).to.deep.equal([child, child]);
    // 60 and 65 bytes of JSON, a third more in base64url.
    expect([byProof - bare, byCertificate - bare]).to.deep.equal([80, 87]);
  });

  it('is planned when the graph is compiled, for every client, since every client can send a proof', async () => {
    for (const [more, cnf] of [
      ['', JKT],
      ['dpop_bound_access_tokens: true,', JKT],
      ['tls_client_certificate_bound_access_tokens: true,', X5T],
    ] as const) {
      const bytes = worst(more);
      expect(compileText(graph(more, bytes + LINE - 1)).plan, `${more} a byte too many`).to.equal(undefined);
      const plan = planOf(graph(more, bytes + LINE));
      expect(planRequest(plan, 'web', { scopes: ['s'] }).root.bytes?.nested).to.equal(bytes);
      expect(everyHopFits(planRequest(plan, 'web', { scopes: ['s'] }).root)).to.equal(true);
      expect((await issued(plan, 'web', ['s'], cnf)).bytes).to.equal(bytes);
    }
  });

  it('is zero where the root is forwarded, since no such root is bound', async () => {
    const forwarding = (line: number): string => `${TOP}clients:\n  web: { ${AUTH}, calls: { a: [s] } }
services:
  a: { headers: { max_line: ${line} }, scopes: { s: { calls: { b: { scopes: [r], mode: forward } } } } }
  b: { accepts_forward: [a], caller: none, scopes: { r: } }
`;
    const [finding] = compileText(forwarding(25)).findings;
    const bytes = Number(/can have ([\d,]+) bytes/.exec(finding?.message ?? '')?.[1]);
    const plan = planOf(forwarding(bytes + LINE));
    expect((await issued(plan, 'web', ['s'])).bytes).to.equal(bytes);
    expect(planRequest(plan, 'web', { scopes: ['s'] }).root.bytes?.nested).to.equal(bytes);
  });

  it('is counted when a tree is issued: what fits unbound, and bound does not, is refused bound', async () => {
    // Both scopes together are over the budget only with a binding: a warning when compiled, an answer when asked.
    const [s, t] = ['s'.repeat(100), 't'.repeat(100)];
    const both = (line: number): Plan => planOf(graph('', line, `[${s}, ${t}]`, `${s}: , ${t}:`));
    const { bytes } = await issued(both(8_000), 'web', [s, t]);
    const plan = both(bytes + LINE);
    for (let time = 0; time < 2; time += 1) {
      expect((await issued(plan, 'web', [s, t])).bytes).to.equal(bytes);
      const error: unknown = await issued(plan, 'web', [s, t], JKT).catch((thrown: unknown) => thrown);
      if (!isWaybillError(error, 'invalid_scope')) throw new Error('it was issued');
      expect(error.message).to.contain(`has ${bytes + 80} bytes; ${bytes} fit`);
      expect((await issued(plan, 'web', [s], JKT)).tokenType).to.equal('DPoP');
    }
  });

  it('does not mix trees that are bound with those that are not, in one issuer', async () => {
    const plan = planOf(boundShop({ url: 'https://tokens.example' }));
    const issuer = await issuerFor(plan);
    const client = clientOf(plan, 'free');
    const kinds: (Confirmation | undefined)[] = [undefined, JKT, X5T, undefined, X5T, JKT];
    for (const cnf of kinds) {
      const { token } = await issuer.issue(client, { scopes: ['order'], cnf });
      expect(tokensOf(token)[0]?.payload['cnf']).to.deep.equal(cnf);
    }
  });
});
