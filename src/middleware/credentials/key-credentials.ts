/** Authentication with an assertion that the service's own key signs (RFC 7523 section 2.2). */

import { KeyObject, createPrivateKey, createPublicKey } from 'node:crypto';
import type { JsonWebKey } from 'node:crypto';

import type { Clock } from '../../clock.ts';
import { keyObjectWeakness } from '../../input/key-weakness.ts';
import {
  algorithmOf,
  isFullySpecified,
  signClientAssertion,
  type AssertionKey,
  type FullySpecifiedAlgorithm,
} from '../../token/index.ts';
import { withAssertion, type Authenticate } from './issuer-access.ts';
import { requireNames, usage } from '../option-checks.ts';

export interface KeyCredentials {
  /** The service's name in the graph. */
  readonly clientId: string;
  readonly method: 'private_key_jwt';
  /**
   * The private key, as a JWK or as a `KeyObject`; or a function that makes an assertion for an audience, where the key
   * never leaves a vault.
   */
  readonly key: JsonWebKey | KeyObject | ((audience: string) => string | Promise<string>);
  /** The key's id in the key set that the graph names. Default: the `kid` of the JWK, or none. */
  readonly kid?: string | undefined;
  /** Default: the `alg` of the JWK, or the one that its curve has. An RSA key needs one. */
  readonly alg?: FullySpecifiedAlgorithm | undefined;
}

/** @throws WaybillError `usage` */
export function withKey(options: KeyCredentials, issuer: string, clock: Clock): Authenticate {
  requireNames(options, ['clientId', 'method', 'key', 'kid', 'alg'], 'credentials');
  const { clientId } = options;
  const assertionFor = signerOf(options, clock);
  return withAssertion(clientId, 'jwt-bearer', () => assertionFor(issuer));
}

function signerOf(options: KeyCredentials, clock: Clock): (audience: string) => string | Promise<string> {
  const { clientId, key } = options;
  if (typeof key === 'function') return key;
  const own = readKey(key, options);
  return (audience) => signClientAssertion(clientId, audience, own, clock());
}

/** Everything that can be wrong with a key is found when the service starts, not at its first exchange. */
function readKey(given: JsonWebKey | KeyObject | undefined, options: KeyCredentials): AssertionKey {
  const jwk: JsonWebKey = given === undefined || given instanceof KeyObject ? {} : given;
  const { kid = jwk['kid'] } = options;
  if (kid !== undefined && (typeof kid !== 'string' || kid === ''))
    throw usage('credentials.kid must be the id of the key');
  const key = given instanceof KeyObject ? given : importKey(jwk);
  if (key.type !== 'private') throw usage('credentials.key must be a private key');
  const { alg = jwk['alg'] ?? algorithmOf(membersOf(key)) } = options;
  if (!isFullySpecified(alg)) throw usage('credentials.alg must be ES256, Ed25519, PS256 or RS256');
  if (!fits(key, alg)) throw usage(`credentials.key must be a private key for ${alg}`);
  const weakness = keyObjectWeakness(createPublicKey(key));
  if (weakness !== undefined) throw usage(`credentials.key is not accepted: ${weakness}`);
  return { key, kid, alg };
}

function importKey(jwk: JsonWebKey): KeyObject {
  try {
    return createPrivateKey({ key: jwk, format: 'jwk' });
  } catch {
    throw usage('credentials.key must be a private key, as a JWK or a KeyObject, or a function');
  }
}

function fits({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject, alg: FullySpecifiedAlgorithm): boolean {
  if (alg === 'ES256') return asymmetricKeyDetails?.namedCurve === 'prime256v1';
  if (alg === 'Ed25519') return asymmetricKeyType === 'ed25519';
  return asymmetricKeyType === 'rsa';
}

/** The members that determine the algorithm of a key, without its private part. */
function membersOf(key: KeyObject): { readonly kty?: string; readonly crv?: string } {
  const { asymmetricKeyType: type } = key;
  return type === 'ec' || type === 'ed25519' ? createPublicKey(key).export({ format: 'jwk' }) : {};
}
