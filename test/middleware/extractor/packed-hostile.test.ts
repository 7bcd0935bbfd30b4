/** Packed tokens that nobody should be able to do harm with, at the door of a real service. */
import { readFileSync } from 'node:fs';

import { expect } from 'chai';

import { isPacked, pack, unpack } from '../../../src/token/index.ts';
import { workDone } from '../../../src/token/packed/work.ts';
import { AUDIENCE, type Json } from '../../support/keys/signer.ts';
import { failure } from '../../support/failure.ts';
import { closeServers, listen } from '../../support/http.ts';
import { extractorFor, startService } from '../services.ts';
import { startScriptedIssuer, type ScriptedIssuer } from '../../support/issuer/scripted.ts';

interface Vectors {
  readonly tokens: readonly { readonly packed: string }[];
  readonly refused: readonly { readonly name: string; readonly packed: string; readonly limits?: unknown }[];
}
const vectors = JSON.parse(
  readFileSync(new URL('../../vectors/packed-v1.json', import.meta.url), 'utf8'),
) as Vectors;

const PAYMENT = 'https://payment.boutique.example';
const LEDGER = 'https://ledger.boutique.example';

describe('a hostile packed token', () => {
  let issuer: ScriptedIssuer;
  let service: string;

  beforeEach(async () => {
    issuer = await startScriptedIssuer();
    service = await startService(extractorFor(issuer));
  });
  afterEach(closeServers);

  /** A root that embeds payment, which embeds ledger. */
  async function tree(payment: Json = {}, ledger: Json = {}): Promise<string> {
    const inner = await issuer.token({ aud: LEDGER, jti: 'T1.2', ...ledger });
    const child = await issuer.token({ aud: PAYMENT, jti: 'T1.1', embedded: { ledger: inner }, ...payment });
    return issuer.token({ embedded: { payment: child } });
  }

  async function ask(token: string): Promise<{ status: number; code: string; challenge: string | null }> {
    const response = await fetch(service, { headers: { authorization: `Bearer ${token}` } });
    const text = await response.text();
    expect(text).to.not.contain(token.slice(4, 40) || 'wb1~');
    const { code = '' } = JSON.parse(text) as { code?: string };
    return { status: response.status, code, challenge: response.headers.get('www-authenticate') };
  }

  it('schemas/packed.md: each that a reader refuses is refused, before a key is looked for', async () => {
    const found = { tooLarge: 0, invalid: 0 };
    for (const { name, packed } of vectors.refused.filter(({ limits }) => limits === undefined)) {
      const { status, code, challenge } = await ask(packed);
      found[status === 431 ? 'tooLarge' : 'invalid'] += 1;
      if (status === 431) expect([code, challenge], name).to.deep.equal(['token_tree_too_large', null]);
      else {
        expect([status, challenge?.startsWith('Bearer error="invalid_token"')], name).to.deep.equal([
          401,
          true,
        ]);
        expect(code, name).to.match(/^token_(packed|malformed)$/);
      }
    }
    expect(found.tooLarge).to.be.above(0);
    expect(found.invalid).to.be.above(0);
    expect(issuer.requests).to.deep.equal([]);
  });

  it('is refused where it unpacks to more than the budget, which a graph with larger trees raises', async () => {
    const nested = await tree();
    for (const [unpacked, status] of [
      [nested.length - 1, 431],
      [nested.length, 200],
    ]) {
      service = await startService(extractorFor(issuer, { budget: { unpacked } }));
      expect((await ask(pack(nested))).status, `${unpacked} bytes`).to.equal(status);
    }
  });

  it("is not unpacked with packed: 'refuse', which still accepts the nested token", async () => {
    const nested = await tree();
    service = await startService(extractorFor(issuer, { packed: 'refuse' }));
    const packed = pack(nested);
    const before = workDone();
    const { status, code, challenge } = await ask(packed);
    expect([status, code]).to.deep.equal([401, 'token_packed']);
    expect(challenge).to.match(/^Bearer error="invalid_token"/);
    expect(workDone()).to.deep.equal(before);
    expect(issuer.requests).to.deep.equal([]);
    expect((await ask(nested)).status).to.equal(200);
  });

  it('cut off anywhere is refused', async () => {
    const packed = pack(await tree());
    expect(packed.length).to.be.above(100);
    for (let length = 0; length < packed.length; length += 11) {
      expect((await ask(packed.slice(0, length))).status, String(length)).to.equal(401);
    }
  });

  it('with a bit turned anywhere is refused', async () => {
    const packed = pack(await tree());
    const bundle = Buffer.from(packed.slice(4), 'base64url');
    expect(bundle.length).to.be.above(100);
    for (let at = 0; at < bundle.length; at += 5) {
      const changed = Buffer.from(bundle);
      changed[at]! ^= 1 << (at & 7);
      expect((await ask(`wb1~${changed.toString('base64url')}`)).status, String(at)).to.equal(401);
    }
  });

  it('made of tokens of another issuer is refused by its signature', async () => {
    const [foreign] = vectors.tokens.filter(({ packed }) => isPacked(packed));
    expect(await ask(foreign?.packed ?? '')).to.include({ status: 401, code: 'token_key_unknown' });
    const other = await startScriptedIssuer();
    const child = await other.token({ aud: PAYMENT, iss: issuer.url });
    const root = await other.token({ iss: issuer.url, embedded: { payment: child } });
    const forged = pack(root);
    expect((await ask(forged)).code).to.match(/^token_(signature|key_unknown)$/);
  });

  it('whose child was exchanged for another is refused: the root has signed for its own', async () => {
    const child = await issuer.token({ aud: PAYMENT, scope: 'refund' });
    const [header, payload, signature] = (await tree()).split('.');
    const claims = JSON.parse(Buffer.from(payload ?? '', 'base64url').toString()) as Json;
    const changed = Buffer.from(JSON.stringify({ ...claims, embedded: { payment: child } })).toString(
      'base64url',
    );
    const packed = pack([header, changed, signature].join('.'));
    expect(isPacked(packed)).to.equal(true);
    expect((await ask(packed)).code).to.equal('token_signature');
  });

  it('inside a token is no child: nothing is sent, and the parent may come in either coding', async () => {
    const child = pack(await tree());
    const root = await issuer.token({ embedded: { payment: child } });
    for (const token of [root, pack(root)]) {
      const context = await extractorFor(issuer).authenticate({ authorization: `Bearer ${token}` });
      await failure('token_malformed', () => context.child('payment'), child);
      await failure('token_malformed', () => context.fetch(`${PAYMENT}/charge`), child);
    }
  });

  it('of another transaction is no child either, taken out of a packed parent', async () => {
    const packed = pack(await tree({ txn: 'T2' }));
    const context = await extractorFor(issuer).authenticate({ authorization: `Bearer ${packed}` });
    await failure('child_foreign', () => context.child('payment'), packed);
  });

  it('RFC 6585 section 5: 431 for 60 kB, by Node before it is read and by the extractor before it is unpacked', async () => {
    const long = `wb1~${'A'.repeat(60_000)}`;
    expect(await ask(long)).to.deep.equal({ status: 431, code: 'token_too_large', challenge: null });
    const plain = await listen((_request, response) => void response.end());
    expect((await fetch(plain, { headers: { authorization: `Bearer ${long}` } })).status).to.equal(431);
    expect(issuer.requests).to.deep.equal([]);
  });
});

describe('budgets of packed tokens', () => {
  let issuer: ScriptedIssuer;

  beforeEach(async () => {
    issuer = await startScriptedIssuer();
  });
  afterEach(closeServers);

  it('count the bytes as they are received and as they are sent', async () => {
    const inner = await issuer.token({ aud: LEDGER, jti: 'T1.2' });
    const child = await issuer.token({ aud: PAYMENT, jti: 'T1.1', embedded: { ledger: inner } });
    const nested = await issuer.token({ embedded: { payment: child } });
    const packed = pack(nested);
    const sent = pack(child);
    const admit = (token: string, budget: { inbound?: number; outbound?: number }) =>
      extractorFor(issuer, { audience: AUDIENCE, budget }).authenticate({ authorization: `Bearer ${token}` });
    await failure('token_too_large', () => admit(nested, { inbound: packed.length }));
    await failure('token_too_large', () => admit(packed, { inbound: packed.length - 1 }));
    const fits = await admit(packed, { inbound: packed.length, outbound: sent.length });
    expect(fits.headersFor('payment')).to.deep.equal({ authorization: `Bearer ${sent}` });
    expect(unpack(fits.child('payment'))).to.equal(child);
    const tight = await admit(packed, { outbound: sent.length - 1 });
    const error = await failure('child_too_large', () => tight.headersFor('payment'), sent);
    expect(error.message).to.contain(`${sent.length} bytes`);
  });
});
