import type { JsonWebKey } from 'node:crypto';

import { expect } from 'chai';
import { CompactSign, calculateJwkThumbprint, compactVerify, decodeProtectedHeader } from 'jose';
import type { JWK } from 'jose';

import { verifyProof, type ProvenRequest } from '../../src/token/index.ts';
import { proofSigner, sha256, type ProofSigner } from '../support/keys/dpop.ts';
import {
  ed25519Jwk,
  lowOrderEncodings,
  lowOrderSignature,
  pkcs1Padded,
  pssPadded,
  rsaWith,
  unitRsa,
} from '../support/keys/weak-keys.ts';
import { NOW, base64url, forge, type Json } from '../support/keys/signer.ts';
import { failure } from '../support/failure.ts';

const URL_ = 'https://shop.example/orders';
const TOKEN = 'a.token.of_some-length';

const REQUEST: ProvenRequest = { method: 'POST', addresses: [URL_], token: TOKEN, now: NOW };
const RIGHT = { method: 'POST', url: URL_, token: TOKEN, now: NOW };

describe('A DPoP proof', () => {
  let signer: ProofSigner;

  before(async () => {
    signer = await proofSigner();
  });

  const proof = (claims: Json = {}, header: Json = {}): Promise<string> =>
    signer.proof(RIGHT, claims, header);

  async function refused(
    lines: string | readonly string[],
    says: RegExp,
    request: Partial<ProvenRequest> = {},
  ): Promise<void> {
    const given = typeof lines === 'string' ? [lines] : lines;
    const error = await failure(
      'invalid_dpop_proof',
      () => verifyProof(given, { ...REQUEST, ...request }),
      ...given,
      signer.jkt,
    );
    expect(error.message)
      .to.match(/^the DPoP proof is not accepted: /)
      .and.to.match(says);
  }

  for (const alg of ['ES256', 'Ed25519', 'PS256', 'RS256']) {
    it(`RFC 9449 section 6.1: of an ${alg} key says the thumbprint of the key`, async () => {
      const own = await proofSigner(alg);
      const { jkt, until } = await verifyProof([await own.proof(RIGHT)], REQUEST);
      expect(jkt).to.equal(own.jkt).and.to.have.lengthOf(43);
      expect(until).to.equal(NOW + 60);
    });
  }

  it('RFC 7638 section 3.2: has the thumbprint of the members that make the key, whatever else stands there', async () => {
    const jwk = { use: 'sig', kid: 'mine', ...signer.publicJwk, ext: true, alg: 'RS256' };
    const { jkt } = await verifyProof([await proof({}, { jwk })], REQUEST);
    expect(jkt).to.equal(await calculateJwkThumbprint(signer.publicJwk));
  });

  it('RFC 9449 section 4.3, 1: stands in one header', async () => {
    const [first, second] = [await proof(), await proof()];
    await refused([], /missing/);
    await refused([first, second], /more than one DPoP header/);
    await refused([first, first], /more than one DPoP header/);
    await refused(`${first}, ${second}`, /more than one DPoP header/);
  });

  it('RFC 9449 section 4.3, 2: is one JWS in compact form', async () => {
    const good = await proof();
    const [header = '', payload = '', signature = ''] = good.split('.');
    for (const text of [
      '',
      '.',
      '..',
      'x',
      `${header}.${payload}`,
      `${header}.${payload}.`,
      `${header}..${signature}`,
      `${good}.`,
      `${good}.${signature}.${signature}`,
      ` ${good}`,
      `${good}=`,
      `${header}=.${payload}.${signature}`,
      `Bearer ${good}`,
    ]) {
      await refused(text, /compact form/);
    }
    await refused(JSON.stringify({ protected: header, payload, signature }), /not accepted/);
    await refused(forge('not json', {}), /not a JSON object/);
    await refused(`${header}.${base64url('[1]')}.${signature}`, /not a JSON object/);
    await refused(`${header}.${base64url(Buffer.from([0xff, 0xfe]))}.${signature}`, /not a JSON object/);
    await refused(
      `${base64url(`${'['.repeat(900)}${']'.repeat(900)}`)}.${payload}.${signature}`,
      /JSON object/,
    );
  });

  it('is bounded before it is read', async () => {
    await refused(await proof({ padding: 'x'.repeat(4_000) }), /larger than 4096 bytes/);
    await refused('x'.repeat(1_000_000), /larger/);
    await refused(`${'a.'.repeat(500_000)}a`, /larger/);
    expect(await verifyProof([await proof({ padding: 'x'.repeat(2_000) })], REQUEST)).to.be.an('object');
  });

  it('RFC 9449 section 4.3, 3: has jti, htm, htu and iat', async () => {
    await refused(await proof({ jti: undefined }), /no jti/);
    await refused(await proof({ htm: undefined }), /method/);
    await refused(await proof({ htu: undefined }), /address/);
    await refused(await proof({ iat: undefined }), /no iat/);
    for (const jti of ['', 7, null, ['a'], {}]) await refused(await proof({ jti }), /no jti/);
    for (const iat of [String(NOW), null, [NOW], true]) await refused(await proof({ iat }), /no iat/);
    const endless = (await proof()).split('.');
    const payload = JSON.stringify({ jti: 'a', htm: 'POST', htu: URL_, iat: 0 }).replace(':0', ':1e999');
    await refused([endless[0], base64url(payload), endless[2]].join('.'), /no iat/);
  });

  it('RFC 9449 section 4.3, 4: has its own typ, so that no other JWT is one', async () => {
    for (const typ of [undefined, 'JWT', 'at+jwt', 'DPOP+JWT', 'application/dpop+jwt', 'dpop+jwt ', 7, null])
      await refused(await proof({}, { typ }), /typ/);
  });

  it('RFC 9449 section 4.3, 5: is signed with an asymmetric algorithm of the list', async () => {
    const [header = '', payload = ''] = (await proof()).split('.');
    const named = (alg: unknown): string =>
      base64url(
        JSON.stringify({ ...(JSON.parse(Buffer.from(header, 'base64url').toString()) as Json), alg }),
      );
    for (const alg of ['none', 'NONE', 'HS256', 'ES256K', 'ES384', 'EdDSA', 'RSA1_5', '', null, 7, undefined])
      await refused(`${named(alg)}.${payload}.${base64url('x'.repeat(64))}`, /alg is not one of ES256/);
    // HS256 with the public key as the secret would be the classic.
    const secret = new TextEncoder().encode(JSON.stringify(signer.publicJwk));
    const confused = await new CompactSign(Buffer.from(payload, 'base64url'))
      .setProtectedHeader({ alg: 'HS256', typ: 'dpop+jwt', jwk: signer.publicJwk })
      .sign(secret);
    await refused(confused, /alg is not one of/);
    for (const alg of ['ES384', 'ES512']) await refused(await (await proofSigner(alg)).proof(RIGHT), /alg/);
  });

  it('RFC 9449 section 4.3, 6: is signed by the key that it brings', async () => {
    const other = await proofSigner();
    await refused(await proof({}, { jwk: other.publicJwk }), /signature/);
    const [header, payload, signature = ''] = (await proof()).split('.');
    const bytes = Buffer.from(signature, 'base64url');
    bytes[3] = (bytes[3] ?? 0) ^ 1;
    await refused([header, payload, bytes.toString('base64url')].join('.'), /signature/);
    const [, elsewhere] = (await proof({ jti: 'another' })).split('.');
    await refused([header, elsewhere, signature].join('.'), /signature/);
    await refused([header, payload, base64url('short')].join('.'), /signature/);
  });

  it('RFC 9449 section 4.3, 7: brings a public key, and the whole of one', async () => {
    const { publicJwk, privateJwk } = signer;
    await refused(await proof({}, { jwk: privateJwk }), /jwk/);
    for (const member of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k', 'oth'])
      await refused(await proof({}, { jwk: { ...publicJwk, [member]: 'AA' } }), /jwk/);
    const x = publicJwk.x as string;
    for (const jwk of [
      undefined,
      null,
      [],
      [publicJwk],
      'x',
      {},
      { ...publicJwk, kty: 'OKP' },
      { ...publicJwk, kty: 'oct', k: 'AAAA' },
      { ...publicJwk, crv: 'P-384' },
      { ...publicJwk, crv: undefined },
      { ...publicJwk, y: undefined },
      { ...publicJwk, x: 7 },
      { ...publicJwk, x: `${x}A` },
      { ...publicJwk, x: x.slice(1) },
      { ...publicJwk, x: `${x.slice(0, -1)}=` },
    ])
      await refused(await proof({}, { jwk }), /jwk/);
    const nowhere = { ...publicJwk, y: x };
    await refused(await proof({}, { jwk: nowhere }), /not that of its key/);
  });

  it('brings an RSA key of a size that can be checked at a bounded cost', async () => {
    const large = await proofSigner('RS256', 3072);
    expect((await verifyProof([await large.proof(RIGHT)], REQUEST)).jkt).to.equal(large.jkt);
    const rsa = await proofSigner('PS256');
    const resized = (members: Json): Promise<string> =>
      rsa.proof(RIGHT, {}, { jwk: { ...rsa.publicJwk, ...members } });
    for (const characters of [171, 341, 684, 1366])
      await refused(await resized({ n: 'A'.repeat(characters) }), /jwk/);
    for (const e of ['', 'A', 'A'.repeat(342), 7]) await refused(await resized({ e }), /jwk/);
  });

  describe('by a key with which anyone can sign', () => {
    /** A proof that is right in all but its key, signed by nobody's private key. */
    function forged(
      alg: string,
      jwk: JsonWebKey,
      sign: (input: string) => Buffer | undefined,
    ): string | undefined {
      for (let jti = 0; jti < 64; jti += 1) {
        const payload = { jti: `j${jti}`, htm: 'POST', htu: URL_, iat: NOW, ath: sha256(TOKEN) };
        const header = { alg, typ: 'dpop+jwt', jwk };
        const input = [header, payload].map((part) => base64url(JSON.stringify(part))).join('.');
        const signature = sign(input);
        if (signature !== undefined) return `${input}.${signature.toString('base64url')}`;
      }
      return undefined;
    }
    /** That the proof holds for whoever does not look at its key is what makes it an attack. */
    async function refusedKey(text: string | undefined): Promise<void> {
      if (text === undefined) throw new Error('nothing was forged');
      const { jwk } = decodeProtectedHeader(text) as { jwk: JWK };
      expect(await compactVerify(text, jwk)).to.be.an('object');
      await refused(text, /jwk is not a public key for its alg/);
    }

    it('of RSA with the exponent 1 is refused: its signature is the padded digest itself', async () => {
      const jwk = unitRsa();
      for (const e of ['AQ', 'AAAB']) {
        await refusedKey(forged('RS256', { ...jwk, e }, pkcs1Padded));
        await refusedKey(forged('PS256', { ...jwk, e }, pssPadded));
      }
    });

    it('of RSA with an even or a huge exponent, or below 2,048 bits, is refused before it is computed with', async () => {
      for (const jwk of [
        ...['Ag', 'AQAA', 'AA'].map((e) => ({ ...unitRsa(), e })),
        rsaWith('AQAB', 1024),
        { ...rsaWith('AQAB'), n: `AAAA${rsaWith('AQAB', 2000).n}AAA` },
      ])
        await refused(forged('RS256', jwk, pkcs1Padded) ?? '', /jwk is not a public key/);
    });

    it('of Ed25519 with a point of low order is refused, in every encoding', async () => {
      const encodings = lowOrderEncodings();
      expect(encodings).to.have.lengthOf.above(8);
      for (const x of encodings)
        await refusedKey(forged('Ed25519', ed25519Jwk(x), (input) => lowOrderSignature(x, input)));
    });
  });

  it('RFC 8725 section 3.10: is not checked with a key that it names elsewhere, and has no extension', async () => {
    const mallory = await proofSigner();
    const named = { jku: 'https://evil.example/jwks', x5u: 'https://evil.example/c', kid: 'k', x5c: ['AA'] };
    expect((await verifyProof([await proof({}, named)], REQUEST)).jkt).to.equal(signer.jkt);
    await refused(await mallory.proof(RIGHT, {}, { ...named, jwk: signer.publicJwk }), /signature/);
    await refused(await critical(signer), /crit/);
  });

  it('RFC 9449 section 4.3, 8: is for the method of the request, case-sensitive', async () => {
    for (const htm of ['GET', 'post', 'Post', 'POST ', '', 7, ['POST'], null])
      await refused(await proof({ htm }), /another method/);
    await refused(await proof(), /another method/, { method: 'PUT' });
    await refused(await proof({ htm: '' }), /another method/, { method: 'GET' });
  });

  it('RFC 9449 section 4.3, 9: is for the address of the request', async () => {
    for (const htu of [
      'http://shop.example/orders',
      'https://shop.example:8443/orders',
      'https://evil.example/orders',
      'https://shop.example.evil.example/orders',
      'https://evil@shop.example/orders',
      'https://evil:x@shop.example/orders',
      'https://shop.example/',
      'https://shop.example/orders/',
      'https://shop.example/Orders',
      'https://shop.example/orders/1',
      'https://shop.example/%6frders%2f',
      'https://shop.example//orders',
      '/orders',
      'orders',
      'shop.example/orders',
      'ftp://shop.example/orders',
      'javascript:alert(1)',
      '',
      7,
      null,
      [URL_],
    ])
      await refused(await proof({ htu }), /another address/);
    await refused(await proof(), /another address/, { addresses: [] });
  });

  it('RFC 3986 sections 6.2.2 and 6.2.3: whose address may be written in other ways', async () => {
    for (const htu of [
      'HTTPS://SHOP.Example/orders',
      'https://shop.example:443/orders',
      'https://shop.example/a/../orders',
      'https://shop.example/./orders',
      'https://shop.example/%6f%72ders',
      'https://shop.example/orders?a=b',
      'https://shop.example/orders#f',
    ])
      expect((await verifyProof([await proof({ htu })], REQUEST)).jkt, htu).to.equal(signer.jkt);
    const escaped = { ...REQUEST, addresses: ['https://shop.example/a%2fb%7e', 'http://a.example'] };
    for (const htu of ['https://shop.example/a%2Fb~', 'http://a.example/', 'http://a.example:80'])
      expect((await verifyProof([await proof({ htu })], escaped)).jkt, htu).to.equal(signer.jkt);
    await refused(await proof({ htu: 'https://shop.example/a/b~' }), /another address/, escaped);
  });

  it('RFC 9449 section 4.3, 10: needs no nonce, since none is given out', async () => {
    expect((await verifyProof([await proof({ nonce: 'of another server' })], REQUEST)).jkt).to.equal(
      signer.jkt,
    );
  });

  it('RFC 9449 section 4.3, 11: is good for a minute, and may be half a minute ahead', async () => {
    for (const iat of [NOW, NOW - 60, NOW + 30, NOW - 59.5, NOW + 0.25]) {
      const { until } = await verifyProof([await proof({ iat })], REQUEST);
      expect(until).to.equal(Math.ceil(iat + 60));
    }
    await refused(await proof({ iat: NOW - 61 }), /too old/);
    await refused(await proof({ iat: 0 }), /too old/);
    await refused(await proof({ iat: -1e300 }), /too old/);
    await refused(await proof({ iat: NOW + 31 }), /from the future/);
    await refused(await proof({ iat: NOW * 1000 }), /from the future/);
  });

  it('RFC 7519 section 4.1.4: keeps to exp and nbf where it has them', async () => {
    expect(await verifyProof([await proof({ exp: NOW + 1, nbf: NOW })], REQUEST)).to.be.an('object');
    for (const exp of [NOW, NOW - 1, 'x', null]) await refused(await proof({ exp }), /too old/);
    for (const nbf of [NOW + 31, 'x', null]) await refused(await proof({ nbf }), /from the future/);
  });

  it('RFC 9449 section 4.3, 12: is for the token with which it comes', async () => {
    for (const ath of [undefined, '', sha256('another'), `${sha256(TOKEN)}=`, TOKEN, 7, null])
      await refused(await proof({ ath }), /another token/);
    await refused(await proof(), /another token/, { token: `${TOKEN}x` });
    const { token: _, ...bare } = REQUEST;
    expect((await verifyProof([await proof({ ath: undefined })], bare)).jkt).to.equal(signer.jkt);
  });

  it('RFC 9449 section 11.1: has one mark for its key and its jti', async () => {
    const mark = async (by: ProofSigner, claims: Json): Promise<string> =>
      (await verifyProof([await by.proof(RIGHT, claims)], REQUEST)).mark;
    const first = await mark(signer, { jti: 'one' });
    expect(first).to.have.lengthOf(43);
    expect(await mark(signer, { jti: 'one', iat: NOW - 1 })).to.equal(first);
    expect(await mark(signer, { jti: 'two' })).to.not.equal(first);
    expect(await mark(await proofSigner(), { jti: 'one' })).to.not.equal(first);
    expect(await mark(signer, { jti: 'x'.repeat(2_000) })).to.have.lengthOf(43);
    expect(await mark(signer, { jti: '\ud800' })).to.have.lengthOf(43);
  });
});

/** The one extension that jose knows. */
async function critical({ keys, publicJwk }: ProofSigner): Promise<string> {
  const header = { alg: 'ES256', typ: 'dpop+jwt', jwk: publicJwk, crit: ['b64'], b64: true };
  const payload = { jti: 'a', htm: 'POST', htu: URL_, iat: NOW, ath: sha256(TOKEN) };
  return new CompactSign(new TextEncoder().encode(JSON.stringify(payload)))
    .setProtectedHeader(header)
    .sign(keys.privateKey);
}
