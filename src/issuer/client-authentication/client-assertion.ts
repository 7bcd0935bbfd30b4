/**
 * Authentication with a signed assertion: `private_key_jwt` (RFC 7523 section 3, as rfc7523bis tightens it).
 *
 * Before it is verified, the assertion only selects the client whose keys must have signed it.
 */
import { hash } from 'node:crypto';
import { compactVerify, decodeJwt, errors, type JWTPayload, type ProtectedHeaderParameters } from 'jose';
import { WaybillError, isWaybillError } from '../../errors.ts';
import type { Steps } from '../../planning/index.ts';
import { timeToLive } from '../stores/index.ts';
import {
  CLIENT_ASSERTION_TYPE,
  FULLY_SPECIFIED_ALGORITHMS,
  UNNAMED,
  isFullySpecified,
  type KeyReference,
  type KeyResolver,
} from '../../token/index.ts';
import {
  decodeAssertion,
  refused,
  requireKnownUse,
  requireSoleAudience,
  requireTimes,
  unaccepted,
} from './assertion-claims.ts';
import { partiesWith, type AuthenticationOptions, type Verify } from './parties.ts';
import { partyKeys } from './party-keys.ts';

export interface ReceivedAssertion {
  readonly method: 'private_key_jwt';
  /** The parameter `client_id`, which is optional here (RFC 7521 section 4.2). */
  readonly clientId: string | undefined;
  readonly assertion: string;
}

/** Seconds from now to `exp`; also how long the issuer remembers that it was used. */
export const MAX_ASSERTION_LIFETIME = 300;
/** RFC 8414 section 2, `token_endpoint_auth_signing_alg_values_supported`; never `none`. */
export const ASSERTION_ALGORITHMS = FULLY_SPECIFIED_ALGORITHMS;
/** rfc7523bis section 4 requires the first; most libraries write the second, or none. */
const TYPES = [CLIENT_ASSERTION_TYPE, 'jwt'];

/** The same for every client, so that an answer does not reveal which clients exist. */
const NO_KID =
  ' It names no key (kid), which works only if the client has one key for its algorithm and that key has no kid.';

/** @throws WaybillError `keys_missing` with the names of all that have no key set; `keys_invalid` */
export function* assertionAuthentication(options: AuthenticationOptions): Steps<Verify<ReceivedAssertion>> {
  const { plan, keySets, store, clock } = options;
  const parties = [...partiesWith(plan, 'private_key_jwt').values()];
  const missing = parties.flatMap(({ name, auth: { keys } }) =>
    'file' in keys && keySets.get(name) === undefined ? [`${name} (file ${keys.file})`] : [],
  );
  if (missing.length > 0) {
    throw new WaybillError(
      'keys_missing',
      `These have no key set: ${missing.join(', ')}. Each file holds a JWK Set (RFC 7517) of public keys.`,
    );
  }
  const resolvers = new Map<string, KeyResolver>();
  for (const { name, auth } of parties) {
    resolvers.set(name, partyKeys(name, auth.keys, keySets.get(name), options));
    yield;
  }
  return async ({ clientId, assertion }) => {
    const { name, reference } = recognise(assertion);
    if (clientId !== undefined && clientId !== name) {
      throw refused('The client_id is not the client of the assertion.');
    }
    const claims = await verifiedClaims(assertion, name, reference, resolvers.get(name));
    requireSoleAudience(claims, plan.issuer.url);
    const exp = requireTimes(claims, clock(), MAX_ASSERTION_LIFETIME);
    await checkOnce(name, claims, exp, options);
    requireKnownUse(claims, store.marksSince(), MAX_ASSERTION_LIFETIME);
    return name;
  };
}

/** An unknown client and a wrong key get the same answer. */
async function verifiedClaims(
  assertion: string,
  name: string,
  reference: KeyReference,
  keys: KeyResolver | undefined,
): Promise<JWTPayload> {
  const hint = reference.kid === UNNAMED ? NO_KID : '';
  try {
    if (!keys) throw unaccepted('no client with a key', hint);
    const key = await keys(reference);
    await compactVerify(assertion, key, { algorithms: [reference.alg] });
  } catch (error) {
    if (isWaybillError(error, 'invalid_client', 'provider_unavailable')) throw error;
    if (isWaybillError(error)) throw unaccepted(`${name}: ${error.message}`, hint);
    if (error instanceof errors.JOSEError) throw unaccepted(`${name}: ${error.code}`, hint);
    throw error;
  }
  return decodeJwt(assertion);
}

/** RFC 7523 section 3: each `jti` is accepted once. Its hash has a fixed length, whatever the client sends. */
async function checkOnce(
  name: string,
  { jti }: JWTPayload,
  exp: number,
  { store, clock }: AuthenticationOptions,
): Promise<void> {
  if (typeof jti !== 'string' || jti === '') throw refused('The assertion has no jti.');
  const key = hash('sha256', JSON.stringify([name, jti]), 'hex');
  // One second more, for a process that shares the store and whose clock is a little behind.
  const isFirst = await store.markOnce('assertion', key, timeToLive(exp, clock(), 1), name);
  if (!isFirst) throw refused('The assertion was used before; each request needs a new one.');
}

/** The client that the assertion claims to be from, and the key that it names. */
function recognise(assertion: string): { name: string; reference: KeyReference } {
  const { payload, header } = decodeAssertion(assertion);
  const { iss, sub } = payload;
  if (typeof iss !== 'string' || iss === '' || iss !== sub) {
    throw refused('The iss and the sub of the assertion must both be the client.');
  }
  return { name: iss, reference: referenceOf(header) };
}

/** An access token, an ID token, or anything else with a `typ` of its own is refused (threat 8). */
function referenceOf({ alg, kid, typ }: ProtectedHeaderParameters): KeyReference {
  const type = typeof typ === 'string' ? typ.toLowerCase().replace(/^application\//, '') : typ;
  if (type !== undefined && !TYPES.includes(type)) throw refused('The typ of the assertion is not accepted.');
  if (!isFullySpecified(alg)) throw refused('The algorithm of the assertion is not accepted.');
  if (kid === undefined) return { alg, kid: UNNAMED };
  if (typeof kid !== 'string' || kid === UNNAMED)
    throw refused('The kid of the assertion must be a text that is not empty.');
  return { alg, kid };
}
