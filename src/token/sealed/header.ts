/**
 * A sealed token is a JWE in compact form (RFC 7516) around a nested signed JWT, so that whoever carries it cannot read it.
 * Its protected header says whom it is for. In: a token, or what it is sealed with. Out: the header, and exact sizes.
 */

import {
  KEY_AGREEMENTS,
  MAX_SEALED_HEADER,
  MAX_SEAL_KID,
  base64urlLength,
  type KeyAgreement,
  type SealCurve,
} from '../../protocol.ts';
import { fromBase64url } from '../base64url.ts';
import { isJsonObject, parseObject, utf8 } from '../json.ts';

export const SEAL_ENCRYPTION = 'A256GCM';

/** A key to which tokens are sealed, as far as sizes depend on it. */
export interface SealKeySize {
  readonly alg: KeyAgreement;
  readonly crv: SealCurve;
  readonly kid: string;
}

/** What a sealed token says without a key. */
export interface SealedHeader {
  readonly alg: KeyAgreement;
  readonly enc: 'A256GCM';
  /** RFC 7519 section 5.2. */
  readonly cty: string;
  readonly kid: string;
  /** The service that can open it: the first audience of the token inside (RFC 7519 section 5.3). */
  readonly aud: string;
  /** Seconds since the epoch; absent where it ends with the token that embeds it. */
  readonly exp?: number;
  /** The sender's key, for this token alone (RFC 7518 section 4.6.1.1). */
  readonly epk: { readonly kty: string; readonly crv: string; readonly x: string; readonly y?: string };
}

/** Characters of the encrypted key, the initialization vector and the tag (RFC 7518 sections 4.6.2 and 5.3). */
const WRAPPED_CHARS: Readonly<Record<KeyAgreement, number>> = { 'ECDH-ES': 0, 'ECDH-ES+A256KW': 54 };
const IV_CHARS = 16;
const TAG_CHARS = 22;
/** Of a coordinate: 32 bytes. */
const COORDINATE_CHARS = 43;

/** The header in the order in which it is written; `epk` follows. */
export function sealedHeader(
  { alg, kid }: Pick<SealKeySize, 'alg' | 'kid'>,
  aud: string,
  exp: number | undefined,
): Omit<SealedHeader, 'epk'> {
  return { alg, enc: SEAL_ENCRYPTION, cty: 'JWT', kid, aud, ...(exp === undefined ? {} : { exp }) };
}

/**
 * Characters of each part of a sealed token.
 *
 * @param nested characters of the token inside.
 * @param hasEnd whether the header has `exp`.
 */
export function sealedParts(
  nested: number,
  key: SealKeySize,
  aud: string,
  hasEnd: boolean,
): readonly number[] {
  // A NumericDate of this century has ten digits.
  const known = sealedHeader(key, aud, hasEnd ? 1e9 : undefined);
  const coordinate = 'c'.repeat(COORDINATE_CHARS);
  const ofCurve = key.crv === 'P-256' ? { kty: 'EC', y: coordinate } : { kty: 'OKP' };
  const header = JSON.stringify({ ...known, epk: { x: coordinate, crv: key.crv, ...ofCurve } });
  const before = [base64urlLength(Buffer.byteLength(header)), WRAPPED_CHARS[key.alg], IV_CHARS];
  return [...before, base64urlLength(nested), TAG_CHARS];
}

/** Characters of a token of these parts, with the dots between. */
export function sealedLength(parts: readonly number[]): number {
  return parts.reduce((sum, chars) => sum + chars + 1, -1);
}

/** Whether a token has the form of a JWE: five parts (RFC 7516 section 9). Says nothing of what is in them. */
export function isSealed(token: string): boolean {
  return token.split('.', 6).length === 5;
}

const COORDINATE = /^[\w-]{43}$/;
const EPK_MEMBERS = { 'P-256': { kty: 'EC', names: 4 }, X25519: { kty: 'OKP', names: 3 } } as const;
const MEMBERS: ReadonlySet<string> = new Set(['alg', 'enc', 'cty', 'kid', 'aud', 'exp', 'epk']);

/**
 * Reads the header of a sealed token, strictly: these members, each once, and no other. So it asks for no decompression
 * (`zip`) and brings no key of its own. Nothing is decrypted.
 *
 * @returns undefined for anything else.
 */
export function readSealedHeader(token: string): SealedHeader | undefined {
  const [encoded = '', wrapped = '', iv = '', text = '', tag = '', ...more] = token.split('.', 6);
  if (more.length > 0 || text === '' || iv.length !== IV_CHARS || tag.length !== TAG_CHARS) return undefined;
  if (encoded.length > base64urlLength(MAX_SEALED_HEADER)) return undefined;
  const bytes = fromBase64url(encoded);
  const json = bytes && utf8(bytes);
  const header = json === undefined ? undefined : parseObject(json);
  // A member that stands twice, which readers take differently, is gone from what is written again.
  if (header === undefined || JSON.stringify(header) !== json) return undefined;
  const { alg, enc, cty, kid, aud, exp, epk } = header;
  const agreement = KEY_AGREEMENTS.find((known) => known === alg);
  const isKnown =
    agreement !== undefined &&
    wrapped.length === WRAPPED_CHARS[agreement] &&
    enc === SEAL_ENCRYPTION &&
    typeof cty === 'string' &&
    cty.toUpperCase() === 'JWT' &&
    isShortText(kid, MAX_SEAL_KID) &&
    isShortText(aud, MAX_SEALED_HEADER) &&
    (exp === undefined || (typeof exp === 'number' && Number.isSafeInteger(exp) && exp >= 0)) &&
    isEphemeralKey(epk) &&
    Object.keys(header).every((name) => MEMBERS.has(name));
  return isKnown ? (header as unknown as SealedHeader) : undefined;
}

function isShortText(value: unknown, most: number): value is string {
  return typeof value === 'string' && value !== '' && value.length <= most;
}

function isEphemeralKey(value: unknown): value is SealedHeader['epk'] {
  if (!isJsonObject(value)) return false;
  const { kty, crv, x, y } = value;
  if (crv !== 'P-256' && crv !== 'X25519') return false;
  const members = EPK_MEMBERS[crv];
  const isPoint = crv === 'X25519' || (typeof y === 'string' && COORDINATE.test(y));
  const isWhole = Object.keys(value).length === members.names;
  return kty === members.kty && typeof x === 'string' && COORDINATE.test(x) && isPoint && isWhole;
}
