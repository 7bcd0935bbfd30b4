/** A small certificate authority (RFC 5280), so that tests and the demo speak mutual TLS between real servers. */
import { X509Certificate, createPrivateKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

export interface Identity {
  /** PEM. */
  readonly cert: string;
  /** PEM, PKCS #8. */
  readonly key: string;
  readonly certificate: X509Certificate;
}

export interface CertificateNames {
  readonly commonName?: string;
  /** Before the common name; the country and the organisation of the subject. */
  readonly organisation?: string;
  readonly uris?: readonly string[];
  readonly dns?: readonly string[];
  readonly emails?: readonly string[];
  /** Four numbers. */
  readonly ips?: readonly (readonly number[])[];
  readonly isAuthority?: boolean;
  /** `YYYYMMDDhhmmssZ`; default: 2120. */
  readonly notAfter?: string;
}

export interface TestCa {
  /** PEM of the authority's own certificate. */
  readonly cert: string;
  issue(names: CertificateNames): Identity;
}

export function testCa(commonName = 'authority of a test'): TestCa {
  const own = makeKey();
  const cert = certificate({ commonName, isAuthority: true }, own.publicKey, commonName, own.privateKey);
  return {
    cert,
    issue(names) {
      const { publicKey, pem: key } = makeKey();
      const issued = certificate(names, publicKey, commonName, own.privateKey);
      return { cert: issued, key, certificate: new X509Certificate(issued) };
    },
  };
}

/** A certificate that its own key signed. */
export function selfSigned(names: CertificateNames): Identity {
  const { publicKey, privateKey, pem: key } = makeKey();
  const cert = certificate(names, publicKey, names.commonName ?? 'self', privateKey);
  return { cert, key, certificate: new X509Certificate(cert) };
}

/** For the server side on loopback. */
export const LOOPBACK: CertificateNames = { commonName: 'server', dns: ['localhost'], ips: [[127, 0, 0, 1]] };

function makeKey(): { publicKey: Buffer; privateKey: KeyObject; pem: string } {
  const { publicKey, privateKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'der' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  return { publicKey, privateKey: createPrivateKey(privateKey), pem: privateKey };
}

function certificate(
  names: CertificateNames,
  publicKey: Buffer,
  issuerName: string,
  issuerKey: KeyObject,
): string {
  const algorithm = sequence(oid('2a8648ce3d040302')); // ecdsa-with-SHA256
  const alternatives = alternativeNames(names);
  const basic = sequence(...(names.isAuthority ? [der(0x01, Buffer.from([0xff]))] : []));
  const extensions = [
    sequence(oid('551d13'), der(0x01, Buffer.from([0xff])), der(0x04, basic)),
    ...(alternatives.length > 0 ? [sequence(oid('551d11'), der(0x04, sequence(...alternatives)))] : []),
  ];
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    algorithm,
    distinguishedName(issuerName),
    sequence(time('20200101000000Z'), time(names.notAfter ?? '21200101000000Z')),
    distinguishedName(names.commonName ?? 'someone', names.organisation),
    publicKey,
    der(0xa3, sequence(...extensions)),
  );
  const signature = sign('sha256', body, issuerKey);
  return pem(sequence(body, algorithm, der(0x03, Buffer.concat([Buffer.from([0]), signature]))));
}

function alternativeNames({ uris = [], dns = [], emails = [], ips = [] }: CertificateNames): Buffer[] {
  return [
    ...emails.map((name) => der(0x81, Buffer.from(name))),
    ...dns.map((name) => der(0x82, Buffer.from(name))),
    ...uris.map((name) => der(0x86, Buffer.from(name))),
    ...ips.map((address) => der(0x87, Buffer.from(address))),
  ];
}

function distinguishedName(commonName: string, organisation?: string): Buffer {
  const part = (type: string, text: string): Buffer =>
    der(0x31, sequence(oid(type), der(0x0c, Buffer.from(text))));
  return sequence(...(organisation ? [part('55040a', organisation)] : []), part('550403', commonName));
}

function oid(hex: string): Buffer {
  return der(0x06, Buffer.from(hex, 'hex'));
}

function der(tag: number, content: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([tag, ...lengthOctets(content.length)]), content]);
}

/** DER wants the shortest form (X.690 section 10.1); nothing here reaches 65,536 bytes. */
function lengthOctets(length: number): number[] {
  if (length < 0x80) return [length];
  return length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
}

function sequence(...parts: Uint8Array[]): Buffer {
  return der(0x30, Buffer.concat(parts));
}

function time(text: string): Buffer {
  return der(0x18, Buffer.from(text));
}

function pem(content: Buffer): string {
  const lines = content.toString('base64').match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}
