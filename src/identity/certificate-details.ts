/**
 * What path validation asks of a certificate and Node 20 does not tell: the key usage, the path length, the constraints
 * on names, the signature's algorithm, and whether it has an unsupported critical extension.
 *
 * (Node's `keyUsage` is the extended one. Its `ca`, `checkIssued`, `verify`, times and names are used as they are.)
 */
import type { X509Certificate } from 'node:crypto';

import { readDer, readInside, type DerValue } from './der.ts';

export type KeyUsage = 'digitalSignature' | 'keyCertSign' | 'cRLSign';

export interface CertificateDetails {
  /** Absent where the certificate does not limit the usage of its key (RFC 5280 section 4.2.1.3). */
  readonly keyUsage: ReadonlySet<KeyUsage> | undefined;
  /** How many authorities may follow below it, the last certificate not counted (section 4.2.1.9); absent: any number. */
  readonly pathLength: number | undefined;
  /** Hosts of URIs that certificates below it may name, or may not (section 4.2.1.10); absent: any. */
  readonly uriHosts: UriHosts | undefined;
}

/** `host.example` is that host; `.example` any host below it. */
export interface UriHosts {
  readonly permitted: readonly string[];
  readonly excluded: readonly string[];
}

const SEQUENCE = 0x30;
const OBJECT_ID = 0x06;
const BOOLEAN = 0x01;
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OCTET_STRING = 0x04;
/** `[3]` of a TBSCertificate. */
const EXTENSIONS = 0xa3;
/** `[6]` of a GeneralName. */
const URI = 0x86;

const KEY_USAGE = '551d0f';
const BASIC_CONSTRAINTS = '551d13';
const NAME_CONSTRAINTS = '551d1e';
/** Extensions that are looked at here, or that Node reads: alternative names, extended key usage; key ids. */
const UNDERSTOOD = new Set([
  ...[KEY_USAGE, BASIC_CONSTRAINTS, NAME_CONSTRAINTS],
  ...['551d11', '551d12', '551d25', '551d0e', '551d23'],
]);

const USAGES: readonly (readonly [bit: number, usage: KeyUsage])[] = [
  [0x80, 'digitalSignature'],
  [0x04, 'keyCertSign'],
  [0x02, 'cRLSign'],
];

/** RSA, ECDSA and Ed25519 over SHA-256 and longer; MD5 and SHA-1 can be made to collide. */
const SIGNATURES = new Set([
  ...['2a864886f70d01010b', '2a864886f70d01010c', '2a864886f70d01010d'],
  ...['2a8648ce3d040302', '2a8648ce3d040303', '2a8648ce3d040304', '2b6570'],
]);
const RSA_PSS = '2a864886f70d01010a';
const SHA_2 = ['608648016503040201', '608648016503040202', '608648016503040203'];

/** @returns undefined for invalid DER, a repeated extension, and an unsupported critical one. */
export function readDetails({ raw }: X509Certificate): CertificateDetails | undefined {
  const [whole, ...more] = readDer(raw) ?? [];
  const [body, algorithm] = readInside(whole, SEQUENCE) ?? [];
  const parts = readInside(body, SEQUENCE);
  if (more.length > 0 || parts === undefined || !isStrong(algorithm)) return undefined;
  const extensions = readExtensions(parts.find(({ tag }) => tag === EXTENSIONS));
  if (extensions === undefined) return undefined;
  const [usage, basic, names] = [KEY_USAGE, BASIC_CONSTRAINTS, NAME_CONSTRAINTS].map((id) =>
    extensions.get(id),
  );
  const keyUsage = usage && readKeyUsage(usage);
  const pathLength = basic && readPathLength(basic);
  const uriHosts = names && readUriHosts(names);
  if (keyUsage === null || pathLength === null || uriHosts === null) return undefined;
  return { keyUsage, pathLength, uriHosts };
}

function isStrong(algorithm: DerValue | undefined): boolean {
  const [id, parameters] = readInside(algorithm, SEQUENCE) ?? [];
  const name = id?.content.toString('hex') ?? '';
  if (name !== RSA_PSS) return SIGNATURES.has(name);
  // RFC 4055 section 3.1: `[0]` is the hash, SHA-1 where it is left out.
  const [hash] = readInside(parameters, SEQUENCE) ?? [];
  const [inner] = readInside(hash, 0xa0) ?? [];
  const [hashId] = readInside(inner, SEQUENCE) ?? [];
  return SHA_2.includes(hashId?.content.toString('hex') ?? '');
}

/** By object identifier, in hexadecimal. A certificate of the first version has none. */
function readExtensions(part: DerValue | undefined): ReadonlyMap<string, Buffer> | undefined {
  const found = new Map<string, Buffer>();
  if (part === undefined) return found;
  const [list] = readDer(part.content) ?? [];
  const entries = readInside(list, SEQUENCE);
  if (entries === undefined) return undefined;
  for (const entry of entries) {
    const fields = readInside(entry, SEQUENCE) ?? [];
    const [id, value] = [fields[0], fields.at(-1)];
    const flag = fields.length === 3 ? fields[1] : undefined;
    if (id?.tag !== OBJECT_ID || value?.tag !== OCTET_STRING || (flag && flag.tag !== BOOLEAN))
      return undefined;
    const name = id.content.toString('hex');
    const critical = flag !== undefined && flag.content[0] !== 0;
    if (found.has(name) || (critical && !UNDERSTOOD.has(name))) return undefined; // RFC 5280 section 4.2
    found.set(name, value.content);
  }
  return found;
}

/** @returns null where it does not read, as the next two. */
function readKeyUsage(extension: Buffer): ReadonlySet<KeyUsage> | null {
  const [bits, ...more] = readDer(extension) ?? [];
  if (bits?.tag !== BIT_STRING || bits.content.length < 2 || more.length > 0) return null;
  const first = bits.content[1] ?? 0;
  return new Set(USAGES.filter(([bit]) => (first & bit) !== 0).map(([, usage]) => usage));
}

function readPathLength(extension: Buffer): number | undefined | null {
  const fields = readInside(readDer(extension)?.[0], SEQUENCE);
  if (fields === undefined) return null;
  const length = fields.find(({ tag }) => tag === INTEGER)?.content;
  if (length === undefined) return undefined;
  const fits = length.length >= 1 && length.length <= 2 && (length[0] ?? 0) < 0x80;
  return fits ? length.readUIntBE(0, length.length) : null;
}

/**
 * Constraints on anything but URIs are not implemented, and a certificate that has some is not accepted: an SVID is
 * known by its URI, but other constraints must not be ignored.
 */
function readUriHosts(extension: Buffer): UriHosts | null {
  const parts = readInside(readDer(extension)?.[0], SEQUENCE);
  if (parts === undefined) return null;
  const hosts = { permitted: [] as string[], excluded: [] as string[] };
  for (const { tag, content } of parts) {
    const list = tag === 0xa0 ? hosts.permitted : tag === 0xa1 ? hosts.excluded : undefined;
    const subtrees = readDer(content);
    if (list === undefined || subtrees === undefined) return null;
    for (const subtree of subtrees) {
      const [base, ...distances] = readInside(subtree, SEQUENCE) ?? [];
      if (base?.tag !== URI || distances.length > 0) return null;
      list.push(base.content.toString('latin1').toLowerCase());
    }
  }
  return hosts;
}
