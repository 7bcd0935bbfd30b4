/** An issuer seals tokens to their services: in trees, in exchanges, for clients and behind references. */
import { expect } from 'chai';
import { decodeJwt } from 'jose';
import type { Issuer, IssuerOptions, Party } from '../../../src/issuer/index.ts';
import {
  childOf,
  isPacked,
  isSealed,
  keySet,
  pack,
  readSealedHeader,
  sealOpener,
  tokenVerifier,
  unpack,
  unpackNode,
} from '../../../src/token/index.ts';
import { planOf } from '../../support/compile.ts';
import { failure } from '../../support/failure.ts';
import { clientOf, exchange, issuerFor, serviceOf } from '../../support/issuer/issue.ts';
import { sealKeyPair, type SealKeyPair } from '../../support/keys/seal-keys.ts';

const NOW = 1_750_000_000;
const VAULT = 'https://vault.example';

interface Parts {
  /** How shop calls vault. */
  call?: string;
  vault?: string;
  /** How web calls shop. */
  asks?: string;
  encoding?: string;
  client?: string;
  log?: string;
  shop?: string;
}

/** web → shop → vault → log, and shop → mail. */
const graph = (parts: Parts): string => `waybill: 1
name: sealed
issuer: { url: 'https://tokens.example', encoding: ${parts.encoding ?? 'nested'}, lifetime: 5m }
defaults: { audience: 'https://{name}.example', headers: { profile: envoy }, caller: mtls }
claims: { card: { value: '4111-1111' } }
clients:
  web:
    auth: { method: client_secret_basic, secret_env: S }
    ${parts.client ?? ''}
    calls: { shop: ${parts.asks ?? '[buy]'} }
services:
  shop:
    auth: { method: client_secret_basic, secret_env: SHOP }
    ${parts.shop ?? ''}
    scopes: { buy: { calls: { mail: [send], vault: { scopes: [take], ${parts.call ?? 'seal: true'} } } } }
  mail: { auth: { method: client_secret_basic, secret_env: MAIL }, scopes: { send: } }
  vault:
    auth: { method: client_secret_basic, secret_env: VAULT }
    encryption: { jwks_file: vault.jwks }
    claims: [card]
    ${parts.vault ?? ''}
    scopes: { take: { calls: { log: ${parts.log ?? '[write]'} } } }
  log: { auth: { method: client_secret_basic, secret_env: LOG }, scopes: { write: } }
`;

describe('An issuer that seals tokens', () => {
  let pair: SealKeyPair;

  before(async () => {
    pair = await sealKeyPair('vault-1');
  });

  const issuerOf = (parts: Parts, more: Partial<IssuerOptions> = {}): Promise<Issuer> => {
    const encryptionKeys = new Map([
      ['vault', pair.jwks],
      ['shop', pair.jwks],
    ]);
    return issuerFor(planOf(graph(parts)), () => NOW, { encryptionKeys, ...more });
  };

  const rootOf = async (issuer: Issuer, encoding?: 'nested' | 'packed') =>
    issuer.issue(clientOf(issuer.plan, 'web'), { scopes: ['buy'], encoding });

  const open = async (sealed: string, audience = VAULT): Promise<string> =>
    (await sealOpener({ keys: [pair.privateJwk] }, [audience], 100_000)(sealed)).nested;

  const childIn = (root: string, name: string): string =>
    (decodeJwt(unpack(root))['embedded'] as Record<string, string>)[name]!;

  it('embeds a JWE around the nested signed child, with all that it embeds (S1, S4)', async () => {
    const issuer = await issuerOf({});
    const { token } = await rootOf(issuer);
    const sealed = childIn(token, 'vault');
    expect(readSealedHeader(sealed)).to.include({ alg: 'ECDH-ES', kid: 'vault-1', aud: VAULT, cty: 'JWT' });
    expect(token).to.not.include(Buffer.from('4111').toString('base64url').slice(0, 4));
    const inner = await open(sealed);
    const verify = tokenVerifier({
      issuer: 'https://tokens.example',
      keys: keySet(issuer.jwks),
      clock: () => NOW,
    });
    const { claims } = await verify(inner);
    expect(claims).to.include({ aud: VAULT, scope: 'take', card: '4111-1111' });
    expect(claims.act).to.deep.equal({ sub: 'shop' });
    expect(decodeJwt(claims.embedded!['log']!).aud).to.equal('https://log.example');
    expect(isSealed(childIn(token, 'mail'))).to.equal(false);
  });

  it('gives a service the same by exchange, as a JWT of which nobody else learns more (S4)', async () => {
    const issuer = await issuerOf({ call: 'seal: true, mode: exchange' });
    const { token } = await rootOf(issuer);
    const issued = await exchange(issuer, 'shop', token, { audiences: ['vault'] });
    expect(issued.sealed).to.equal(true);
    expect(issued.tokenType).to.equal('Bearer');
    expect(decodeJwt(await open(issued.token))).to.include({ aud: VAULT, card: '4111-1111' });
    expect(readSealedHeader(issued.token)).to.not.have.property('exp');
  });

  it('says in the header when the child ends, only where that is before its parent (S2)', async () => {
    const short = await rootOf(await issuerOf({ vault: 'lifetime: 1m' }));
    const long = await rootOf(await issuerOf({}));
    expect(readSealedHeader(childIn(short.token, 'vault'))).to.include({ exp: NOW + 60 });
    expect(readSealedHeader(childIn(long.token, 'vault'))).to.not.have.property('exp');
  });

  it('leaves a sealed child as it is in a packed tree, which unpacks to the nested one (S5)', async () => {
    const issuer = await issuerOf({ encoding: 'packed' });
    const { token, bytes } = await rootOf(issuer);
    expect(isPacked(token)).to.equal(true);
    expect(bytes).to.equal(token.length);
    const nested = unpack(token);
    expect(pack(nested)).to.equal(token);
    expect(childOf(unpackNode(token), 'vault')).to.deep.include({
      kind: 'opaque',
      text: childIn(nested, 'vault'),
    });
    expect(isPacked(await open(childIn(token, 'vault')))).to.equal(false);
  });

  it('seals to a service that accepts only JWTs: it opens them all the same (S5)', async () => {
    const issuer = await issuerOf({ vault: 'accepts: jwt', encoding: 'packed' });
    expect(isSealed(childIn((await rootOf(issuer)).token, 'vault'))).to.equal(true);
  });

  it('gives a client a root that it cannot read, where its call is sealed', async () => {
    for (const encoding of ['nested', 'packed'] as const) {
      const issuer = await issuerOf({
        asks: '{ scopes: [buy], seal: true }',
        shop: 'encryption: { jwks_file: shop.jwks }',
        encoding,
      });
      const { token, bytes, sealed } = await rootOf(issuer);
      expect([bytes, sealed]).to.deep.equal([token.length, true]);
      const root = await open(token, 'https://shop.example');
      expect(decodeJwt(root).aud).to.equal('https://shop.example');
      expect(isSealed(childIn(root, 'vault'))).to.equal(true);
    }
  });

  it('swaps a reference for a sealed root too', async () => {
    const issuer = await issuerOf({
      asks: '{ scopes: [buy], seal: true }',
      shop: 'encryption: { jwks_file: shop.jwks }\n    introspect: [shop]',
      client: 'token: opaque',
    });
    const { token } = await rootOf(issuer);
    const party: Party = { kind: 'service', service: serviceOf(issuer.plan, 'shop') };
    const swapped = await issuer.introspect(party, { token, form: 'token' });
    expect(swapped.active).to.equal(true);
    const root = swapped.active ? (swapped.token ?? '') : '';
    expect(decodeJwt(await open(root, 'https://shop.example')).sub).to.equal('web');
  });

  it('knows nothing of a JWE: no exchange, no introspection, nothing to revoke (S9)', async () => {
    const issuer = await issuerOf({});
    const sealed = childIn((await rootOf(issuer)).token, 'vault');
    const vault: Party = { kind: 'service', service: serviceOf(issuer.plan, 'vault') };
    await failure('invalid_request', () => exchange(issuer, 'vault', sealed, { audiences: ['log'] }));
    expect((await issuer.introspect(vault, { token: sealed })).active).to.equal(false);
    const web: Party = { kind: 'client', client: clientOf(issuer.plan, 'web') };
    expect(await issuer.revoke(web, sealed)).to.equal(undefined);
    // What is in it is a token as any.
    const inner = await open(sealed);
    expect((await issuer.introspect(vault, { token: inner })).active).to.equal(true);
    expect((await exchange(issuer, 'vault', inner, { audiences: ['log'] })).entry).to.equal('log');
  });

  it('issues nothing without a key, and never unsealed instead (S6, threat 48)', async () => {
    await failure('keys_missing', () => issuerOf({}, { encryptionKeys: new Map() }));
    for (const keys of [{ keys: [] }, 'text', { keys: [pair.privateJwk] }])
      await failure('keys_invalid', () => issuerOf({}, { encryptionKeys: new Map([['vault', keys]]) }));
  });

  it('needs no key of a service whose calls are not sealed', async () => {
    const issuer = await issuerOf({ call: 'seal: false' }, { encryptionKeys: new Map() });
    expect(isSealed(childIn((await rootOf(issuer)).token, 'vault'))).to.equal(false);
  });

  it('seals to the first of two keys; the service opens with both, so keys rotate without a gap (S6)', async () => {
    const next = await sealKeyPair('vault-2', { crv: 'X25519' });
    const both = sealOpener({ keys: [next.privateJwk, pair.privateJwk] }, [VAULT], 10_000);
    const stages = [[pair], [next, pair], [next]].map((pairs) => ({
      keys: pairs.map(({ publicJwk }) => publicJwk),
    }));
    const kids: (string | undefined)[] = [];
    for (const published of stages) {
      const issuer = await issuerOf({}, { encryptionKeys: new Map([['vault', published]]) });
      const sealed = childIn((await rootOf(issuer)).token, 'vault');
      kids.push(readSealedHeader(sealed)?.kid);
      expect(decodeJwt((await both(sealed)).nested).aud).to.equal(VAULT);
    }
    expect(kids).to.deep.equal(['vault-1', 'vault-2', 'vault-2']);
  });
});
