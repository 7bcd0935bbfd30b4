import { expect } from 'chai';

import {
  certificateIdentity,
  parseSpiffeId,
  readAuthorities,
  readSvidKeys,
  speaksFor,
  thumbprintOf,
} from '../../src/identity/index.ts';
import { readAlternativeNames } from '../../src/identity/alternative-names.ts';
import { testCa, type CertificateNames } from '../support/keys/certificates.ts';
import { ed25519Jwk, keyOf, lowOrderEncodings, rsaWith, unitRsa } from '../support/keys/weak-keys.ts';

describe('SPIFFE IDs', () => {
  it('SPIFFE-ID section 2: are taken whole, with their trust domain', () => {
    const id = parseSpiffeId('spiffe://boutique.example/ns/shop/checkout');
    expect(id).to.deep.equal({
      uri: 'spiffe://boutique.example/ns/shop/checkout',
      trustDomain: 'boutique.example',
    });
  });

  for (const text of [
    '',
    'spiffe://',
    'spiffe://boutique.example',
    'spiffe://boutique.example/',
    'spiffe://boutique.example/a/',
    'spiffe://boutique.example//a',
    'spiffe://boutique.example/a/../b',
    'spiffe://boutique.example/.',
    'spiffe://boutique.example/a?b',
    'spiffe://boutique.example/a#b',
    'spiffe://boutique.example/%61',
    'spiffe://boutique.example:443/a',
    'spiffe://user@boutique.example/a',
    'spiffe://Boutique.example/a',
    'SPIFFE://boutique.example/a',
    'spiffe:/boutique.example/a',
    'https://boutique.example/a',
    `spiffe://boutique.example/${'a'.repeat(2048)}`,
  ]) {
    it(`are not ${JSON.stringify(text.slice(0, 60))}`, () => {
      expect(parseSpiffeId(text)).to.equal(undefined);
    });
  }
});

describe('the names in a certificate', () => {
  const ca = testCa();
  const speaks = (names: CertificateNames, name: string): boolean => {
    const identity = certificateIdentity(ca.issue(names).certificate);
    return identity !== undefined && speaksFor(identity, name);
  };
  const CHECKOUT = 'spiffe://boutique.example/checkout';

  it('X.509-SVID section 2: a SPIFFE ID is its one URI', () => {
    expect(speaks({ uris: [CHECKOUT] }, CHECKOUT)).to.equal(true);
    expect(speaks({ uris: [CHECKOUT], dns: ['checkout'] }, CHECKOUT)).to.equal(true);
    expect(speaks({ uris: [CHECKOUT, 'spiffe://boutique.example/payment'] }, CHECKOUT)).to.equal(false);
    expect(speaks({ uris: [CHECKOUT, 'https://x.example'] }, CHECKOUT)).to.equal(false);
    expect(speaks({ dns: [CHECKOUT] }, CHECKOUT)).to.equal(false);
  });

  it('threat 17: are not compared by prefix, nor without the trust domain', () => {
    for (const other of [
      `${CHECKOUT}-evil`,
      `${CHECKOUT}/sub`,
      'spiffe://boutique.example/check',
      'spiffe://boutique.example.evil.example/checkout',
      'spiffe://evil.example/checkout',
      'spiffe://BOUTIQUE.example/checkout',
    ]) {
      expect(speaks({ uris: [other] }, CHECKOUT), other).to.equal(false);
      expect(speaks({ uris: [CHECKOUT] }, other), other).to.equal(false);
    }
  });

  it('X.509-SVID section 4.1: a certificate of an authority speaks for no one', () => {
    expect(speaks({ uris: [CHECKOUT], isAuthority: true }, CHECKOUT)).to.equal(false);
  });

  it('can be another URI, or a DNS name without wildcard', () => {
    expect(speaks({ uris: ['https://checkout.example'] }, 'https://checkout.example')).to.equal(true);
    expect(speaks({ dns: ['web', 'checkout'] }, 'checkout')).to.equal(true);
    expect(speaks({ dns: ['*.example'] }, 'checkout.example')).to.equal(false);
    expect(speaks({ dns: ['*'] }, '*')).to.equal(false);
    expect(speaks({ commonName: 'checkout' }, 'checkout')).to.equal(false);
  });

  it('cannot be smuggled into one another', () => {
    expect(speaks({ dns: [`x, URI:${CHECKOUT}`] }, CHECKOUT)).to.equal(false);
    expect(speaks({ uris: ['x, DNS:checkout'] }, 'checkout')).to.equal(false);
    expect(speaks({ emails: ['a", DNS:checkout'] }, 'checkout')).to.equal(false);
  });

  it('that are malformed identify nobody', () => {
    for (const text of ['DNS', 'DNS:a,URI:b', 'DNS:"a', 'DNS:a, ?', 'DNS:"\\x", URI:b']) {
      expect(readAlternativeNames(text), text).to.equal(undefined);
    }
    expect(readAlternativeNames('othername:<unsupported>, DNS:a, IP Address:127.0.0.1')).to.deep.equal({
      uris: [],
      dns: ['a'],
      emails: [],
      ips: ['127.0.0.1'],
    });
  });

  it('are bounded in number, and beyond that ignored', () => {
    const names = (count: number) => Array.from({ length: count }, (_, index) => `host-${index}.example`);
    expect(speaks({ dns: [...names(500), 'checkout'] }, 'checkout')).to.equal(true);
    expect(speaks({ dns: [...names(2_000), 'checkout'] }, 'checkout')).to.equal(false);
    const text = names(2_000)
      .map((name) => `DNS:${name}`)
      .join(', ');
    expect(readAlternativeNames(text)).to.equal(undefined);
  });

  it('RFC 8705 section 3.1: have a thumbprint of 256 bits in base64url', () => {
    expect(thumbprintOf(ca.issue({}).certificate)).to.match(/^[A-Za-z0-9_-]{43}$/);
  });
});

describe('A key with which anyone can sign', () => {
  const ca = testCa();
  const weak = [unitRsa(), unitRsa(3072), ...lowOrderEncodings().map(ed25519Jwk)];

  it('makes a certificate that identifies nobody', () => {
    for (const jwk of weak) {
      const publicKey = keyOf(jwk).export({ type: 'spki', format: 'der' });
      const { certificate } = ca.issue({ dns: ['till.shop.example'], publicKey });
      expect(certificateIdentity(certificate)).to.equal(undefined);
    }
    expect(certificateIdentity(ca.issue({ dns: ['till.shop.example'] }).certificate)).to.be.an('object');
  });

  it('makes a bundle that vouches for nobody', () => {
    const x5c = [ca.certificate.raw.toString('base64')];
    const good = { use: 'x509-svid', x5c };
    expect(readAuthorities({ keys: [good] })).to.have.lengthOf(1);
    for (const jwk of weak) {
      const publicKey = keyOf(jwk).export({ type: 'spki', format: 'der' });
      const { certificate } = ca.issue({ isAuthority: true, publicKey });
      const bad = { use: 'x509-svid', x5c: [certificate.raw.toString('base64')] };
      expect(readAuthorities({ keys: [good, bad] })).to.equal(undefined);
    }
  });

  it('makes a bundle that verifies no JWT-SVID', () => {
    const entry = (jwk: object) => ({ ...jwk, use: 'jwt-svid', kid: 'a' });
    expect(readSvidKeys({ keys: [entry(rsaWith('AQAB'))] })?.size).to.equal(1);
    for (const jwk of [unitRsa(), rsaWith('Ag'), rsaWith('AQAB', 1024)])
      expect(readSvidKeys({ keys: [entry(jwk)] })).to.equal(undefined);
  });
});
