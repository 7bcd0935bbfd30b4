import { expect } from 'chai';

import { readAuthorities } from '../../src/identity/index.ts';
import { forwardedCertificate } from '../../src/identity/forwarded-certificate.ts';
import { testCa } from '../support/keys/certificates.ts';

describe('a certificate in a text', () => {
  const ca = testCa();
  const { cert, certificate } = ca.issue({ commonName: 'caller' });
  const der = certificate.raw;

  const pemOf = (bytes: Uint8Array): string =>
    `-----BEGIN CERTIFICATE-----\n${Buffer.from(bytes).toString('base64')}\n-----END CERTIFICATE-----\n`;

  /** The ways in which a header has one. */
  const headers = (bytes: Uint8Array): readonly string[] => {
    const pem = encodeURIComponent(pemOf(bytes));
    return [`:${Buffer.from(bytes).toString('base64')}:`, pem, `Cert="${pem}"`, `Chain="${pem}"`];
  };

  /** What the four headers of a bad certificate give. */
  const NONE = Array.from({ length: 4 }, () => undefined);

  it('is read from end to end, in each way in which a header has it', () => {
    for (const header of [...headers(der), encodeURIComponent(cert)])
      expect(forwardedCertificate(header)?.certificate.raw, header.slice(0, 20)).to.deep.equal(der);
  });

  it('RFC 9440 section 2.2: is refused with bytes after its end', () => {
    for (const more of [Buffer.from([0]), Buffer.from('more'), der])
      expect(headers(Buffer.concat([der, more])).map((header) => forwardedCertificate(header))).to.deep.equal(
        NONE,
      );
  });

  it('RFC 9440 section 2.2: is refused if it is not DER, and would be encoded differently', () => {
    const changed = Buffer.from(der);
    // The last of the certificate is a string of bits: its first byte says how many of them do not count, which are zero.
    const start = Math.max(
      ...[0x44, 0x45, 0x46].map((length) => changed.lastIndexOf(Buffer.from([0, 0x30, length]))),
    );
    changed[start] = 1;
    changed[changed.length - 1]! |= 1;
    expect(headers(changed).map((header) => forwardedCertificate(header))).to.deep.equal(NONE);
  });

  it('is not read out of a PEM that is itself in base64', () => {
    expect(forwardedCertificate(`:${Buffer.from(cert).toString('base64')}:`)).to.equal(undefined);
  });

  it('is no authority of a bundle with bytes after its end', () => {
    const bundle = (bytes: Uint8Array): object => ({
      keys: [{ kty: 'EC', use: 'x509-svid', x5c: [Buffer.from(bytes).toString('base64')] }],
    });
    expect(readAuthorities(bundle(ca.certificate.raw))).to.have.lengthOf(1);
    expect(readAuthorities(bundle(Buffer.concat([ca.certificate.raw, Buffer.from([0])])))).to.equal(
      undefined,
    );
  });
});
