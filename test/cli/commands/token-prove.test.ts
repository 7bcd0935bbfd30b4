import { expect } from 'chai';
import { SignJWT, decodeJwt, importJWK } from 'jose';
import { generateKey, keyRing, type KeyRecord } from '../../../src/issuer/keys/index.ts';
import { removeScratch, scratchFile } from '../../support/files.ts';
import { ORDERS, shop } from '../../support/graphs/shop.ts';
import { clientOf } from '../../support/issuer/issue.ts';
import { startIssuer, stopIssuers, type TestIssuer } from '../../support/issuer/start.ts';
import type { Payload } from '../../support/issuer/trees.ts';
import { run } from '../../support/program.ts';

const clock = () => Math.floor(Date.now() / 1000);

describe('waybill token inspect --prove', () => {
  let issuer: TestIssuer;
  let record: KeyRecord;
  let token: string;
  let graph: string;

  before(async () => {
    record = await generateKey('ES256', clock);
    const full = (url: string) => shop(url).replace('issuer: {', 'issuer: { lineage: full,');
    issuer = await startIssuer(full, { keys: keyRing([record], 'ES256') });
    const asked = { scopes: ['place'], resources: [ORDERS] };
    ({ token } = await issuer.issuer.issue(clientOf(issuer.plan, 'web'), asked));
    graph = scratchFile('shop.yaml', full(issuer.url));
  });
  after(async () => {
    await stopIssuers();
    removeScratch();
  });

  const prove = (input: string, ...args: string[]) =>
    run(['token', 'inspect', '--prove', '--issuer', issuer.url, ...args], { input });

  async function signed(claims: object): Promise<string> {
    return new SignJWT({ ...claims })
      .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: record.kid })
      .sign(await importJWK(record.jwk, 'ES256'));
  }

  /** The tree with other claims in the token of payment, all signed by the issuer. */
  async function withPayment(more: (payment: Payload) => object): Promise<string> {
    const root = decodeJwt<Payload>(token);
    const payment = decodeJwt<Payload>(root.embedded!['payment']!);
    const other = await signed({ ...payment, ...more(payment) });
    return signed({ ...root, embedded: { ...root.embedded, payment: other } });
  }

  it('says what the tree proves, and what it does not without a graph', async () => {
    const { code, stdout } = await prove(token);
    expect(code).to.equal(0);
    expect(stdout).to.contain('Proved:').and.to.contain('✓ every claim has one value');
    expect(stdout).to.contain('? whether scopes narrow').and.to.not.contain('narrowed:');
  });

  it('says that the tree is narrowed where every step is a call of the graph', async () => {
    const { code, stdout } = await prove(token, '--graph', graph);
    expect(code).to.equal(0);
    expect(stdout).to.contain('✓ narrowed: every token has at most what a call of the graph gives');
    const json = await prove(token, '--graph', graph, '--json');
    expect((JSON.parse(json.stdout) as { proof: object }).proof).to.deep.equal({
      holds: true,
      narrowed: true,
      faults: [],
    });
  });

  it('finds scopes, a presenter and a claim that the graph does not give, though all is signed', async () => {
    for (const [more, fault] of [
      [() => ({ scope: 'charge refund' }), 'payment: the graph does not give it refund'],
      [() => ({ act: { sub: 'mail' } }), 'payment: it is for "mail" to present, not for '],
      [() => ({ secret: 'x' }), 'payment: the graph does not give it the claim secret'],
    ] as const) {
      const forged = await withPayment(more);
      expect((await prove(forged)).code, fault).to.equal(0);
      const { code, stdout } = await prove(forged, '--graph', graph);
      expect(code, stdout).to.equal(1);
      expect(stdout).to.contain('Not proved:').and.to.contain(`✗ ${fault}`).and.to.not.contain('narrowed:');
    }
  });

  it('finds a client and a claim that differ within the tree, without a graph', async () => {
    const other = await prove(await withPayment(() => ({ client_id: 'another' })));
    expect(other.code).to.equal(1);
    expect(other.stdout).to.contain('payment: its client_id is another than in the tokens before it');
  });

  it('L7: finds a chain of actors that does not go on from the parent', async () => {
    const forged = await withPayment(({ act }) => ({ act: { ...act, act: { sub: 'another' } } }));
    const { code, stderr } = await prove(forged);
    expect(code).to.equal(1);
    expect(stderr).to.contain('names other actors than its parent');
  });

  it('proves nothing where a token does not verify, or keys are missing', async () => {
    const broken = `${token.slice(0, -2)}AA`;
    const { code, stdout } = await prove(broken);
    expect(code).to.equal(1);
    expect(stdout).to.not.contain('Proved');
    expect((await run(['token', 'inspect', '--prove'], { input: token })).code).to.equal(2);
    expect((await run(['token', 'inspect', '--graph', graph], { input: token })).code).to.equal(2);
  });
});
