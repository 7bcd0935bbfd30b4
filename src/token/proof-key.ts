/**
 * The key that a DPoP proof brings along (`jwk`, RFC 9449 section 4.2): anyone's own, so it is bounded and read member by
 * member before anything is computed with it.
 */
import { createHash } from 'node:crypto';

import type { JWK } from 'jose';

import { isSecretKey, keyWeakness } from '../input/key-weakness.ts';
import type { FullySpecifiedAlgorithm } from '../protocol.ts';
import { fromBase64url } from './base64url.ts';
import type { JsonObject } from './json.ts';

export interface ProofKey {
  /** The members that make the key, and no others. That they make one shows when a signature is checked. */
  readonly jwk: JWK;
  /** RFC 7638, SHA-256, base64url: `jkt`. */
  readonly thumbprint: string;
}

/** A member's value, or its characters in base64url, at least and at most. In the order of RFC 7638 section 3.3. */
type Shape = readonly (readonly [member: string, value: string | readonly [least: number, most: number]])[];

const CURVE_POINT = [43, 43] as const;

/** RSA of at most 4096 bits, with an exponent of at most 32: the key's owner decides the cost of a check. */
const RSA: Shape = [
  ['e', [2, 6]],
  ['kty', 'RSA'],
  ['n', [342, 683]],
];

/** RFC 7518 section 6, RFC 8037 section 2. */
const SHAPES: Readonly<Record<FullySpecifiedAlgorithm, Shape>> = {
  ES256: [
    ['crv', 'P-256'],
    ['kty', 'EC'],
    ['x', CURVE_POINT],
    ['y', CURVE_POINT],
  ],
  Ed25519: [
    ['crv', 'Ed25519'],
    ['kty', 'OKP'],
    ['x', CURVE_POINT],
  ],
  PS256: RSA,
  RS256: RSA,
};

/** @returns undefined for a key that has a private part, does not fit the algorithm, or with which others can sign. */
export function readProofKey(jwk: JsonObject, alg: FullySpecifiedAlgorithm): ProofKey | undefined {
  if (isSecretKey(jwk)) return undefined;
  const members: [string, string][] = [];
  for (const [member, expected] of SHAPES[alg]) {
    const value = Object.hasOwn(jwk, member) ? jwk[member] : undefined;
    if (typeof value !== 'string') return undefined;
    if (typeof expected === 'string' ? value !== expected : !isBounded(value, expected)) return undefined;
    members.push([member, value]);
  }
  const key = Object.fromEntries(members);
  if (keyWeakness(key) !== undefined) return undefined;
  const thumbprint = createHash('sha256').update(JSON.stringify(key)).digest('base64url');
  return { jwk: key, thumbprint };
}

function isBounded(value: string, [least, most]: readonly [number, number]): boolean {
  return value.length >= least && value.length <= most && fromBase64url(value) !== undefined;
}
