/** Sealed tokens in the header budgets of their hops. */
import { expect } from 'chai';
import type { Plan } from '../../../src/graph/index.ts';
import { planRequest, type CallView } from '../../../src/planning/index.ts';
import { readSealedHeader } from '../../../src/token/index.ts';
import { compileText, planOf } from '../../support/compile.ts';
import { clientOf, issuerFor } from '../../support/issuer/issue.ts';
import { sealKeyPair } from '../../support/keys/seal-keys.ts';

interface Parts {
  readonly seal?: boolean;
  /** Bytes of the header lines of vault and of shop. */
  readonly vault?: number;
  readonly shop?: number;
  readonly overflow?: string;
  readonly encoding?: string;
}

const graph = ({
  seal = true,
  vault = 60_000,
  shop = 60_000,
  overflow = 'reject',
  encoding = 'nested',
}: Parts) =>
  `waybill: 1
name: sealed
issuer: { url: 'https://tokens.example', overflow: ${overflow}, encoding: ${encoding} }
defaults: { audience: 'https://{name}.example', caller: mtls }
clients:
  web: { auth: { method: client_secret_basic, secret_env: S }, calls: { shop: [buy] } }
services:
  shop:
    auth: { method: client_secret_basic, secret_env: T }
    headers: { max_line: ${shop} }
    scopes: { buy: { calls: { vault: { scopes: [take], seal: ${seal} } } } }
  vault:
    headers: { max_line: ${vault} }
    encryption: { jwks_file: vault.jwks }
    scopes: { take: { calls: { log: [write] } } }
  log: { headers: { max_line: 60000 }, scopes: { write: } }
`;

const planned = (parts: Parts): CallView =>
  planRequest(planOf(graph(parts)), 'web', { scopes: ['buy'] }).root;
const sizeOf = ({ bytes }: CallView): number => bytes!.nested;

describe('the size of a sealed token', () => {
  it('is that of the JWE, with the longest key that fits, in either encoding (S3)', () => {
    const [open] = planned({ seal: false }).calls;
    const [sealed] = planned({}).calls;
    const plaintext = sizeOf(open!);
    expect(sealed).to.include({ sealed: true, coding: 'sealed' });
    const overhead = sizeOf(sealed!) - Math.ceil((plaintext * 4) / 3);
    expect(overhead).to.be.within(420, 600);
    const [packed] = planned({ encoding: 'packed' }).calls;
    expect(packed?.bytes).to.deep.equal({ nested: sizeOf(sealed!), packed: sizeOf(sealed!) });
    // What is in it is nested, also below.
    expect(planned({ encoding: 'packed' }).calls[0]?.calls[0]?.coding).to.equal('bare');
  });

  it('counts on its hop: a budget that the token itself would fit is exceeded', () => {
    const plaintext = sizeOf(planned({ seal: false }).calls[0]!);
    const limit = plaintext + 24;
    expect(compileText(graph({ seal: false, vault: limit })).findings.map(({ code }) => code)).to.deep.equal(
      [],
    );
    const [finding] = compileText(graph({ vault: limit })).findings;
    expect(finding?.code).to.equal('budget-exceeded');
    expect(finding?.message).to.match(/^The token for shop → vault can have [\d,]+ bytes sealed; /);
    expect(finding?.message).to.include(sizeOf(planned({}).calls[0]!).toLocaleString('en'));
  });

  for (const encoding of ['nested', 'packed']) {
    it(`makes its caller fetch it where it does not fit inside, and then it fits: ${encoding}`, async () => {
      const root = planned({ encoding });
      const taken = encoding === 'packed' ? root.bytes!.packed : root.bytes!.nested;
      const parts = { encoding, overflow: 'exchange', shop: taken - 200 };
      const plan: Plan = planOf(graph(parts));
      const { overflow, root: smaller } = planRequest(plan, 'web', { scopes: ['buy'] });
      expect(overflow?.moved.map(({ caller, callee }) => `${caller} ${callee}`)).to.include.oneOf([
        'shop vault',
        'vault log',
      ]);
      expect(smaller.budget?.fits).to.equal(true);
      const pair = await sealKeyPair('k'.repeat(64), { alg: 'ECDH-ES+A256KW' });
      const issuer = await issuerFor(plan, undefined, { encryptionKeys: new Map([['vault', pair.jwks]]) });
      const { token } = await issuer.issue(clientOf(plan, 'web'), { scopes: ['buy'] });
      expect(token.length).to.be.at.most(parts.shop - 24);
    });
  }

  it('is exact once the key is known: the issuer embeds what the worst case would not (S3)', async () => {
    const short = await sealKeyPair('k', { crv: 'X25519' });
    const worst = sizeOf(planned({}));
    const plan = planOf(graph({ overflow: 'exchange', shop: worst + 24 - 300 }));
    expect(planRequest(plan, 'web', { scopes: ['buy'] }).overflow?.moved).to.have.lengthOf(1);
    const issuer = await issuerFor(plan, undefined, { encryptionKeys: new Map([['vault', short.jwks]]) });
    const { token, bytes } = await issuer.issue(clientOf(plan, 'web'), { scopes: ['buy'] });
    expect(token).to.have.lengthOf(bytes);
    const { embedded } = JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as {
      embedded: Record<string, string>;
    };
    expect(readSealedHeader(embedded['vault']!)?.kid).to.equal('k');
  });
});
