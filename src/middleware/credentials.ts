/** How a service authenticates to the issuer: with a secret, or with an assertion that its own key signs. */

import { KeyObject, createPrivateKey } from 'node:crypto';
import type { JsonWebKey } from 'node:crypto';

import type { Clock } from '../clock.ts';
import { WaybillError } from '../errors.ts';
import { isSigningAlgorithm, signClientAssertion } from '../token/index.ts';
import type { AssertionKey, SigningAlgorithm } from '../token/index.ts';

export type CredentialsOptions = SecretCredentials | KeyCredentials;

export interface SecretCredentials {
  /** The service's name in the graph. */
  readonly clientId: string;
  /** The secret that its `auth` names. */
  readonly secret: string;
  /** Default: `client_secret_basic`. */
  readonly method?: 'client_secret_basic' | 'client_secret_post' | undefined;
}

/** RFC 7523 section 2.2. */
export interface KeyCredentials {
  /** The service's name in the graph. */
  readonly clientId: string;
  readonly method: 'private_key_jwt';
  /**
   * The private key, as a JWK or as a `KeyObject`; or a function that makes an assertion for an audience, where the key
   * never leaves a vault.
   */
  readonly key: JsonWebKey | KeyObject | ((audience: string) => string | Promise<string>);
  /** The key's id in the set that the graph names. Default: the `kid` of the JWK. */
  readonly kid?: string | undefined;
  /** Default: the `alg` of the JWK. */
  readonly alg?: SigningAlgorithm | undefined;
}

/** Puts what authenticates into a request to the token endpoint. */
export type Authenticate = (form: URLSearchParams, headers: Headers) => Promise<void>;

const SECRET_METHODS: readonly unknown[] = ['client_secret_basic', 'client_secret_post'];
const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/**
 * @param issuer the audience of assertions.
 * @throws WaybillError `usage`
 */
export function readCredentials(options: CredentialsOptions, issuer: string, clock: Clock): Authenticate {
  const given: unknown = options;
  if (typeof given !== 'object' || given === null) throw usage('credentials takes an object');
  const { clientId } = options;
  if (typeof clientId !== 'string' || clientId === '')
    throw usage('credentials.clientId must be a non-empty string');
  if (options.method === 'private_key_jwt') return withKey(options, issuer, clock);
  requireKnown(options, ['clientId', 'secret', 'method']);
  const { secret, method = 'client_secret_basic' } = options;
  if (!SECRET_METHODS.includes(method)) {
    throw usage('credentials.method must be client_secret_basic, client_secret_post or private_key_jwt');
  }
  if (typeof secret !== 'string' || secret === '')
    throw usage('credentials.secret must be a non-empty string');
  return method === 'client_secret_post' ? withPost(clientId, secret) : withBasic(clientId, secret);
}

function withPost(clientId: string, secret: string): Authenticate {
  return async (form) => {
    form.set('client_id', clientId);
    form.set('client_secret', secret);
  };
}

/** RFC 6749 section 2.3.1: id and secret are form-encoded before they are joined. */
function withBasic(clientId: string, secret: string): Authenticate {
  const encoded = [clientId, secret]
    .map((part) => new URLSearchParams({ p: part }).toString().slice(2))
    .join(':');
  return async (_form, headers) => {
    headers.set('authorization', `Basic ${Buffer.from(encoded).toString('base64')}`);
  };
}

function withKey(options: KeyCredentials, issuer: string, clock: Clock): Authenticate {
  requireKnown(options, ['clientId', 'method', 'key', 'kid', 'alg']);
  const { clientId } = options;
  const assertionFor = signerOf(options, clock);
  return async (form) => {
    const assertion = await assertionFor(issuer);
    form.set('client_id', clientId);
    form.set('client_assertion_type', ASSERTION_TYPE);
    form.set('client_assertion', assertion);
  };
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
  const { kid = jwk['kid'], alg = jwk['alg'] } = options;
  if (typeof kid !== 'string' || kid === '') throw usage('credentials.kid must be the id of the key');
  if (!isSigningAlgorithm(alg)) throw usage('credentials.alg must be ES256, Ed25519, PS256 or RS256');
  const key = given instanceof KeyObject ? given : importKey(jwk);
  if (key.type !== 'private' || !fits(key, alg)) {
    throw usage(`credentials.key must be a private key for ${alg}`);
  }
  return { key, kid, alg };
}

function importKey(jwk: JsonWebKey): KeyObject {
  try {
    return createPrivateKey({ key: jwk, format: 'jwk' });
  } catch {
    throw usage('credentials.key must be a private key, as a JWK or a KeyObject, or a function');
  }
}

function fits({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject, alg: SigningAlgorithm): boolean {
  if (alg === 'ES256') return asymmetricKeyDetails?.namedCurve === 'prime256v1';
  if (alg === 'Ed25519') return asymmetricKeyType === 'ed25519';
  return asymmetricKeyType === 'rsa' && (asymmetricKeyDetails?.modulusLength ?? 0) >= 2048;
}

function requireKnown(options: object, known: readonly string[]): void {
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw usage(`credentials has no option ${JSON.stringify(unknown)}; it has ${known.join(', ')}`);
}

function usage(message: string): WaybillError<'usage'> {
  return new WaybillError('usage', message);
}
