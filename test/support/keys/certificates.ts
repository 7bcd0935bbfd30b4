/** A small certificate authority (RFC 5280), so that tests and the demo speak mutual TLS between real servers. */
import { X509Certificate, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

import { boolean, der, octets, oid, pem, sequence, time } from './der.ts';

export interface Identity {
  /** PEM. */
  readonly cert: string;
  /** PEM: the same, and the intermediates above it, which a client shows along with it. */
  readonly chain: string;
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
  /** `YYYYMMDDhhmmssZ`; default: 2020. */
  readonly notBefore?: string;
  /** `YYYYMMDDhhmmssZ`; default: 2120. */
  readonly notAfter?: string;
  /** Default: what an authority, or the bearer of a certificate, needs; `none` leaves the extension out. */
  readonly keyUsage?: readonly KeyUsage[] | 'none';
  /** Default: the extension is left out, and every purpose is meant. */
  readonly purposes?: readonly ('server' | 'client')[];
  readonly pathLength?: number;
  /** URI constraints (RFC 5280 section 4.2.1.10). */
  readonly permittedHosts?: readonly string[];
  readonly excludedHosts?: readonly string[];
  /** A constraint on DNS names. */
  readonly permittedDns?: readonly string[];
  /** A critical extension of this object identifier, in hexadecimal, that nobody knows. */
  readonly critical?: string;
  /** Bits of an RSA key; default: a key on P-256. */
  readonly rsa?: number;
  /** DER of a public key in place of one that is made. */
  readonly publicKey?: Buffer;
  /** What the authority signs with. Default: sha256. */
  readonly hash?: 'sha256' | 'sha1';
}

const USAGES = { digitalSignature: 0x80, keyCertSign: 0x04, cRLSign: 0x02 };
export type KeyUsage = keyof typeof USAGES;

export interface TestCa {
  /** PEM of the authority's own certificate. */
  readonly cert: string;
  readonly certificate: X509Certificate;
  issue(names: CertificateNames): Identity;
  /** Another authority's name and key, under this one too (cross-signing). */
  certify(other: TestCa): X509Certificate;
  /** An authority below this one. */
  authority(names: CertificateNames & { readonly commonName: string }): TestCa;
}

export function testCa(commonName = 'authority of a test', names: CertificateNames = {}): TestCa {
  const own = makeKey(names.rsa);
  const cert = certificate(
    { isAuthority: true, ...names, commonName },
    own.publicKey,
    commonName,
    own.privateKey,
  );
  return authorityOf(commonName, own.privateKey, cert, '');
}

/** @param above PEM of the certificates that a client shows beside those that this authority issues. */
function authorityOf(commonName: string, key: KeyObject, cert: string, above: string): TestCa {
  return {
    cert,
    certificate: new X509Certificate(cert),
    issue(names) {
      const made = makeKey(names.rsa);
      const issued = certificate(names, made.publicKey, commonName, key);
      const known = new X509Certificate(issued);
      return { cert: issued, chain: issued + above, key: made.pem, certificate: known };
    },
    certify(other) {
      const publicKey = other.certificate.publicKey.export({ type: 'spki', format: 'der' });
      const name = /^CN=(.*)$/m.exec(other.certificate.subject)?.[1] ?? '';
      return new X509Certificate(
        certificate({ isAuthority: true, commonName: name }, publicKey, commonName, key),
      );
    },
    authority(names) {
      const made = makeKey(names.rsa);
      const issued = certificate({ isAuthority: true, ...names }, made.publicKey, commonName, key);
      return authorityOf(names.commonName, made.privateKey, issued, issued + above);
    },
  };
}

/** A certificate that its own key signed. */
export function selfSigned(names: CertificateNames): Identity {
  const { publicKey, privateKey, pem: key } = makeKey(names.rsa);
  const cert = certificate(names, publicKey, names.commonName ?? 'self', privateKey);
  return { cert, chain: cert, key, certificate: new X509Certificate(cert) };
}

/** The certificate of a PEM text in DER, as base64. */
export const derOf = (text: string): string => text.replace(/-----[^-]+-----|\s/g, '');

/** For the server side on loopback. */
export const LOOPBACK: CertificateNames = { commonName: 'server', dns: ['localhost'], ips: [[127, 0, 0, 1]] };

function makeKey(rsa?: number): { publicKey: Buffer; privateKey: KeyObject; pem: string } {
  const { publicKey, privateKey } =
    rsa === undefined
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('rsa', { modulusLength: rsa });
  return {
    publicKey: publicKey.export({ type: 'spki', format: 'der' }),
    privateKey,
    pem: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
  };
}

function certificate(
  names: CertificateNames,
  publicKey: Buffer,
  issuerName: string,
  issuerKey: KeyObject,
): string {
  const { hash = 'sha256', notBefore = '20200101000000Z', notAfter = '21200101000000Z' } = names;
  const algorithm = sequence(...signatureAlgorithm(issuerKey, hash));
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    algorithm,
    distinguishedName(issuerName),
    sequence(time(notBefore), time(notAfter)),
    distinguishedName(names.commonName ?? 'someone', names.organisation),
    names.publicKey ?? publicKey,
    der(0xa3, sequence(...extensions(names))),
  );
  const signature = sign(hash, body, issuerKey);
  return pem(sequence(body, algorithm, der(0x03, Buffer.concat([Buffer.from([0]), signature]))));
}

function signatureAlgorithm({ asymmetricKeyType }: KeyObject, hash: 'sha256' | 'sha1'): Buffer[] {
  if (asymmetricKeyType !== 'rsa') return [oid(hash === 'sha256' ? '2a8648ce3d040302' : '2a8648ce3d0401')];
  return [oid(hash === 'sha256' ? '2a864886f70d01010b' : '2a864886f70d010105'), der(0x05, Buffer.alloc(0))];
}

function extensions(names: CertificateNames): Buffer[] {
  const { isAuthority = false, pathLength, purposes, critical } = names;
  const { keyUsage = isAuthority ? (['keyCertSign', 'cRLSign'] as const) : (['digitalSignature'] as const) } =
    names;
  const alternatives = alternativeNames(names);
  const constraints = nameConstraints(names);
  const basic = [
    ...(isAuthority ? [boolean(true)] : []),
    ...(pathLength === undefined ? [] : [der(0x02, Buffer.from([pathLength]))]),
  ];
  const bits = (keyUsage === 'none' ? [] : keyUsage).reduce((sum, usage) => sum | USAGES[usage], 0);
  const purpose = { server: oid('2b06010505070301'), client: oid('2b06010505070302') };
  const extension = (id: string, content: Uint8Array, isCritical = false): Buffer =>
    sequence(oid(id), ...(isCritical ? [boolean(true)] : []), octets(content));
  return [
    extension('551d13', sequence(...basic), true),
    ...(keyUsage === 'none' ? [] : [extension('551d0f', der(0x03, Buffer.from([0, bits])), true)]),
    ...(alternatives.length > 0 ? [extension('551d11', sequence(...alternatives))] : []),
    ...(purposes ? [extension('551d25', sequence(...purposes.map((each) => purpose[each])))] : []),
    ...(constraints.length > 0 ? [extension('551d1e', sequence(...constraints), true)] : []),
    ...(critical ? [extension(critical, sequence(), true)] : []),
  ];
}

function alternativeNames({ uris = [], dns = [], emails = [], ips = [] }: CertificateNames): Buffer[] {
  return [
    ...emails.map((name) => der(0x81, Buffer.from(name))),
    ...dns.map((name) => der(0x82, Buffer.from(name))),
    ...uris.map((name) => der(0x86, Buffer.from(name))),
    ...ips.map((address) => der(0x87, Buffer.from(address))),
  ];
}

function nameConstraints({
  permittedHosts = [],
  excludedHosts = [],
  permittedDns = [],
}: CertificateNames): Buffer[] {
  const subtree = (tag: number) => (host: string) => sequence(der(tag, Buffer.from(host)));
  const permitted = [...permittedHosts.map(subtree(0x86)), ...permittedDns.map(subtree(0x82))];
  return [
    ...(permitted.length > 0 ? [der(0xa0, Buffer.concat(permitted))] : []),
    ...(excludedHosts.length > 0 ? [der(0xa1, Buffer.concat(excludedHosts.map(subtree(0x86))))] : []),
  ];
}

function distinguishedName(commonName: string, organisation?: string): Buffer {
  const part = (type: string, text: string): Buffer =>
    der(0x31, sequence(oid(type), der(0x0c, Buffer.from(text))));
  return sequence(...(organisation ? [part('55040a', organisation)] : []), part('550403', commonName));
}
