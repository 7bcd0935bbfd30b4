/** Sealed tokens on their way: from the issuer through services that cannot read them to the one that can. */
import { expect } from 'chai';
import { decodeJwt } from 'jose';
import { extractor, gateway, type Extractor, type ExtractorOptions } from '../../../src/middleware/index.ts';
import { testIssuer, type TestIssuer } from '../../../src/testing/index.ts';
import { isPacked, isSealed, sealToken } from '../../../src/token/index.ts';
import { failure } from '../../support/failure.ts';
import { removeScratch, scratchFile } from '../../support/files.ts';
import { sealKeyPair } from '../../support/keys/seal-keys.ts';

const url = (name: string): string => `https://${name}.example`;

/** web → shop → vault (sealed) → log, and shop ⇢ bank (sealed, by exchange). Root and tree packed. */
const GRAPH = `waybill: 1
name: sealed
issuer: { url: 'http://127.0.0.1:8080', encoding: packed, lifetime: 5m }
defaults: { audience: 'https://{name}.example', headers: { profile: envoy } }
claims: { card: { value: '4111-1111' } }
clients:
  web: { auth: { method: client_secret_basic, secret_env: S }, calls: { shop: [buy] } }
  app: { auth: { method: client_secret_basic, secret_env: A }, token: opaque, calls: { desk: { scopes: [ask], seal: true } } }
  edge: { auth: { method: client_secret_basic, secret_env: E }, introspect: [desk, shop], calls: { shop: [buy] } }
services:
  shop:
    auth: { method: client_secret_basic, secret_env: SHOP }
    scopes:
      buy:
        calls: { mail: [send], vault: { scopes: [take], seal: true }, bank: { scopes: [pay], mode: exchange } }
  mail: { scopes: { send: } }
  desk: { encryption: { jwks_file: desk.jwks }, scopes: { ask: } }
  vault:
    auth: { method: client_secret_basic, secret_env: VAULT }
    encryption: { jwks_file: vault.jwks }
    lifetime: 1m
    claims: [card]
    scopes: { take: { calls: { log: [write], audit: { scopes: [note], mode: exchange } } } }
  bank:
    seal: true
    encryption: { jwks_uri: 'https://bank.example/encryption.jwks', alg: ECDH-ES+A256KW }
    scopes: { pay: }
  log: { scopes: { write: } }
  audit: { scopes: { note: } }
`;

describe('A service and sealed tokens', () => {
  let issuer: TestIssuer;

  before(async () => {
    issuer = await testIssuer(scratchFile('graph.yaml', GRAPH));
  });
  after(removeScratch);

  const serviceOf = (name: string, more: Partial<ExtractorOptions> = {}): Extractor =>
    extractor({ ...issuer.extractorOptions(name), ...more });

  const context = async (name: string, token: string, more: Partial<ExtractorOptions> = {}) =>
    serviceOf(name, more).authenticate({ authorization: `Bearer ${token}` });

  /** What shop sends to vault. */
  async function carried(): Promise<string> {
    const root = await issuer.tokenFor('shop');
    expect(isPacked(root)).to.equal(true);
    return (await context('shop', root)).child('vault');
  }

  it('carries a child that it cannot read: its name, audience, size and end are all it sees (S8)', async () => {
    const root = await issuer.tokenFor('shop');
    const shop = await context('shop', root);
    const sealed = shop.child('vault');
    expect(isSealed(sealed)).to.equal(true);
    expect(shop.headersFor(`${url('vault')}/take`)).to.deep.equal({ authorization: `Bearer ${sealed}` });
    expect(shop.headersFor(`${url('mail')}/`)).to.have.property('authorization');
    // Without keys of its own it refuses what is sealed, to itself too.
    await failure('token_malformed', () => context('shop', sealed));
  });

  it('opens what is sealed to it, and calls on with what was in it (S7)', async () => {
    const vault = await context('vault', await carried());
    expect(vault.claims).to.include({ card: '4111-1111', aud: url('vault') });
    expect(vault.scopes).to.deep.equal(['take']);
    expect(decodeJwt(vault.child('log')).aud).to.equal(url('log'));
    const { authorization = '' } = await vault.obtainHeaders('audit');
    expect(decodeJwt(authorization.slice('Bearer '.length)).aud).to.equal(url('audit'));
  });

  it('fetches a sealed token that its service publishes keys for, and passes it on until it ends (S4)', async () => {
    const shop = await context('shop', await issuer.tokenFor('shop'));
    const { authorization = '' } = await shop.obtainHeaders(url('bank'));
    const token = authorization.slice('Bearer '.length);
    expect(isSealed(token)).to.equal(true);
    expect((await context('bank', token)).scopes).to.deep.equal(['pay']);
    expect((await shop.obtainHeaders('bank')).authorization).to.equal(authorization);
  });

  it('opens a token once, and forgets no later than it ends', async () => {
    const vault = serviceOf('vault');
    const sealed = await carried();
    const authorization = `Bearer ${sealed}`;
    const first = await vault.authenticate({ authorization });
    expect((await vault.authenticate({ authorization })).claims).to.equal(first.claims);
    issuer.clock.advance(61);
    await failure('token_expired', () => vault.authenticate({ authorization }), sealed);
    issuer.clock.advance(-61);
  });

  it('carries no sealed child longer than its header says', async () => {
    const shop = await context('shop', await issuer.tokenFor('shop'));
    shop.child('vault');
    issuer.clock.advance(61);
    await failure('token_expired', () => shop.child('vault'));
    issuer.clock.advance(-61);
  });

  it('threat 48: refuses an unsealed token where it asks for sealed ones, also the one that was inside (S7)', async () => {
    const inner = await innerOf(await carried());
    expect((await context('vault', inner)).scopes).to.deep.equal(['take']); // it accepts both by default
    await failure('token_sealed', () => context('vault', inner, { seal: 'require' }), inner);
    expect((await context('vault', await carried(), { seal: 'require' })).scopes).to.deep.equal(['take']);
  });

  it('threat 49: believes nothing because it is sealed: what is inside is verified as any token', async () => {
    const keys = issuer.extractorOptions('vault').decryption!.keys[0] as { kid: string };
    const { d: _, ...publicJwk } = keys as { d?: string; kid: string; kty: string };
    const to = { alg: 'ECDH-ES', crv: 'X25519', kid: keys.kid, key: publicJwk } as const;
    const inner = await innerOf(await carried());
    const forged = `${inner.slice(0, -6)}AAAAAA`;
    const seal = (nested: string) => sealToken(nested, to, url('vault'), undefined);
    await failure('token_signature', async () => context('vault', await seal(forged)));
    // A token for another service, sealed to this one by whoever stole it.
    const mail = (await context('shop', await issuer.tokenFor('shop'))).child('mail');
    await failure('token_audience', async () => context('vault', await seal(mail)));
    // Its seal says other things than the token: RFC 7519 section 5.3.
    const wrongEnd = await sealToken(inner, to, url('vault'), issuer.clock() + 7);
    await failure('token_sealed', () => context('vault', wrongEnd));
    // And, where the service has several audiences, another of them (threat 50).
    const both = { audience: [url('vault'), url('safe')] };
    const wrongAudience = await sealToken(inner, to, url('safe'), undefined);
    await failure('token_sealed', () => context('vault', wrongAudience, both));
    expect((await context('vault', await seal(inner), both)).scopes).to.deep.equal(['take']);
  });

  it('refuses every token that it cannot open with one code and one message (threat 53)', async () => {
    const sealed = await carried();
    const other = await sealKeyPair('test', { crv: 'X25519' });
    const messages = new Set<string>();
    for (const [token, more] of [
      [sealed, { decryption: { keys: [other.privateJwk] } }],
      [sealed, { audience: url('other') }],
      [`${sealed.slice(0, -2)}AA`, {}],
      ['a.b.c.d.e', {}],
      [`${'a'.repeat(40)}..b.c.d`, {}],
    ] as const)
      messages.add((await failure('token_sealed', () => context('vault', token, more), sealed)).message);
    expect([...messages]).to.have.lengthOf(1);
  });

  it('looks at no token over its budget', async () => {
    const sealed = await carried();
    await failure('token_too_large', () =>
      context('vault', sealed, { budget: { inbound: sealed.length - 1 } }),
    );
  });

  it('passes a sealed root on at the gateway, for the entry that the seal names alone', async () => {
    const { token: reference } = await issuer.tree('app', ['ask']);
    const { issuer: at, clock, fetch } = issuer.extractorOptions('desk');
    const edge = gateway({ issuer: at, clock, fetch, credentials: issuer.credentialsFor('edge') });
    const headers = [['authorization', `Bearer ${reference}`]] as const;
    const { token = '' } = await edge.swap({ audience: url('desk'), headers });
    expect(isSealed(token)).to.equal(true);
    expect((await context('desk', token)).claims.sub).to.equal('app');
    await failure('token_audience', () => edge.swap({ audience: url('shop'), headers }));
    // One that a client would present itself is none that a gateway can look into.
    await failure('token_malformed', () =>
      edge.swap({ audience: url('desk'), headers: [['authorization', `Bearer ${token}`]] }),
    );
  });

  it('is configured with private keys alone, and asks for seals only if it can open them', async () => {
    const pair = await sealKeyPair('k');
    await failure('usage', () => serviceOf('vault', { decryption: { keys: [pair.publicJwk] } }));
    await failure('usage', () => serviceOf('mail', { seal: 'require' }));
    await failure('usage', () => serviceOf('vault', { seal: 'never' as 'accept' }));
  });

  it('is issued by `waybill/testing` with every service that can open it', async () => {
    for (const name of ['vault', 'bank', 'log', 'audit']) {
      const token = await issuer.tokenFor(name);
      expect(isSealed(token), name).to.equal(name === 'vault' || name === 'bank');
      expect((await context(name, token)).claims.aud).to.equal(url(name));
    }
  });

  /** What is in a token that is sealed to vault. */
  async function innerOf(sealed: string): Promise<string> {
    const { sealOpener } = await import('../../../src/token/index.ts');
    const keys = issuer.extractorOptions('vault').decryption!;
    return (await sealOpener(keys, [url('vault')], 100_000)(sealed)).nested;
  }
});
