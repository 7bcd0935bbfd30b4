/**
 * Authentication with a signed assertion: `private_key_jwt` (RFC 7523 section 3, as rfc7523bis tightens it).
 *
 * The assertion says who signed it before it is believed; that only chooses whose keys must have. The audience is this
 * issuer's URL and nothing else: an assertion that names an endpoint could have been asked for by another server that
 * publishes ours as its own (threat 10).
 */
import { createHash } from 'node:crypto';
import { compactVerify, decodeJwt, decodeProtectedHeader, errors, type JWTPayload } from 'jose';
import type { Clock } from '../clock.ts';
import { WaybillError, isWaybillError } from '../errors.ts';
import type { Store } from '../store/index.ts';
import {
  CLIENT_ASSERTION_TYPE,
  SIGNING_ALGORITHMS,
  isSigningAlgorithm,
  type KeyReference,
  type KeyResolver,
} from '../token/index.ts';
import { secondsUntil } from './keeping.ts';
import { partiesWith, type AuthenticationOptions } from './parties.ts';
import { partyKeys } from './party-keys.ts';

export interface AssertionCredentials {
  readonly method: 'private_key_jwt';
  /** The parameter `client_id`, which is optional here (RFC 7521 section 4.2). */
  readonly clientId: string | undefined;
  readonly assertion: string;
}

/** An assertion holds six claims; a certificate chain in its header is not asked for. */
const MAX_ASSERTION = 8 * 1024;
/** Seconds from now to `exp`; also how long a used one has to be remembered. */
export const MAX_ASSERTION_LIFETIME = 300;
/** RFC 8414 section 2, `token_endpoint_auth_signing_alg_values_supported`; never `none`. */
export const ASSERTION_ALGORITHMS = SIGNING_ALGORITHMS;
/** Seconds that the other side's clock may be ahead. */
const TOLERANCE = 5;
/** rfc7523bis section 4 asks for the first; most libraries write the second, or none. */
const TYPES = [CLIENT_ASSERTION_TYPE, 'jwt'];

export class AssertionAuthentication {
  readonly #issuer: string;
  readonly #keys: ReadonlyMap<string, KeyResolver>;
  readonly #store: Store;
  readonly #clock: Clock;

  /** @throws WaybillError `keys_missing` naming everyone whose file brought none; `keys_invalid`. */
  constructor({ plan, keySets, store, clock, fetch }: AuthenticationOptions) {
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
    this.#keys = new Map(
      parties.map(({ name, auth }) => [name, partyKeys(name, auth.keys, keySets.get(name), fetch)]),
    );
    this.#issuer = plan.issuer.url;
    this.#store = store;
    this.#clock = clock;
  }

  /** @returns the party's name. @throws WaybillError `invalid_client`, `provider_unavailable`, `store_unavailable` */
  async verify({ clientId, assertion }: AssertionCredentials): Promise<string> {
    const { name, reference } = recognise(assertion);
    if (clientId !== undefined && clientId !== name) {
      throw refused('The client_id is not the one that the assertion is about.');
    }
    const claims = await this.#claims(name, reference, assertion);
    this.#checkAudience(claims);
    const exp = this.#checkTimes(claims);
    await this.#checkOnce(name, claims, exp);
    return name;
  }

  /** An unknown client and a wrong key answer alike. */
  async #claims(name: string, reference: KeyReference, assertion: string): Promise<JWTPayload> {
    const keys = this.#keys.get(name);
    try {
      if (!keys) throw unaccepted('no client with a key');
      const key = await keys(reference);
      await compactVerify(assertion, key, { algorithms: [reference.alg] });
    } catch (error) {
      if (isWaybillError(error, 'invalid_client', 'provider_unavailable')) throw error;
      if (isWaybillError(error)) throw unaccepted(`${name}: ${error.message}`);
      if (error instanceof errors.JOSEError) throw unaccepted(`${name}: ${error.code}`);
      throw error;
    }
    return decodeJwt(assertion);
  }

  /** rfc7523bis section 3: the issuer identifier, as the sole value. */
  #checkAudience({ aud }: JWTPayload): void {
    const audiences = [aud].flat();
    if (audiences.length === 1 && audiences[0] === this.#issuer) return;
    throw refused(`The aud of the assertion must be ${this.#issuer} and nothing else.`);
  }

  #checkTimes({ exp, iat = 0, nbf = 0 }: JWTPayload): number {
    const now = this.#clock();
    if (![exp, iat, nbf].every(Number.isFinite) || exp === undefined) {
      throw refused('The assertion needs exp, and a time is a number.');
    }
    if (now >= exp) throw refused('The assertion has expired.');
    if (exp > now + MAX_ASSERTION_LIFETIME + TOLERANCE) {
      throw refused(`The assertion lives longer than ${MAX_ASSERTION_LIFETIME} seconds.`);
    }
    if (Math.max(iat, nbf) > now + TOLERANCE) throw refused('The assertion is from the future.');
    return exp;
  }

  /** RFC 7523 section 3: a `jti` counts once. The key has one length, whatever the other side writes. */
  async #checkOnce(name: string, { jti }: JWTPayload, exp: number): Promise<void> {
    if (typeof jti !== 'string' || jti === '') throw refused('The assertion has no jti.');
    const key = createHash('sha256')
      .update(JSON.stringify([name, jti]))
      .digest('hex');
    // A second more, for a process that shares the store and whose clock is a little behind.
    const seconds = secondsUntil(exp, this.#clock, 1);
    if (await this.#store.markOnce('assertion', key, seconds)) return;
    throw refused('The assertion was used before; each request needs one of its own.');
  }
}

/** Whose assertion it says that it is, and with which key: read, not believed. */
function recognise(assertion: string): { name: string; reference: KeyReference } {
  if (assertion.length > MAX_ASSERTION) throw refused(`The assertion is larger than ${MAX_ASSERTION} bytes.`);
  let payload: JWTPayload;
  let header: ReturnType<typeof decodeProtectedHeader>;
  try {
    payload = decodeJwt(assertion);
    header = decodeProtectedHeader(assertion);
  } catch {
    throw refused('The assertion is not a signed JWT.');
  }
  const { iss, sub } = payload;
  if (typeof iss !== 'string' || iss === '' || iss !== sub) {
    throw refused('The iss and the sub of the assertion must both be the client.');
  }
  return { name: iss, reference: referenceOf(header) };
}

/** What is an access token, an ID token, or anything else with a `typ` of its own is no assertion (threat 8). */
function referenceOf({ alg, kid, typ }: ReturnType<typeof decodeProtectedHeader>): KeyReference {
  const type = typeof typ === 'string' ? typ.toLowerCase().replace(/^application\//, '') : typ;
  if (type !== undefined && !TYPES.includes(type)) throw refused('The typ is not that of an assertion.');
  if (!isSigningAlgorithm(alg)) throw refused('The algorithm of the assertion is not accepted.');
  if (typeof kid !== 'string' || kid === '') throw refused('The assertion names no key (kid).');
  return { alg, kid };
}

function refused(message: string): WaybillError {
  return new WaybillError('invalid_client', message);
}

function unaccepted(detail: string): WaybillError {
  return new WaybillError('invalid_client', 'Unknown client, or the assertion is not signed by its key.', {
    detail,
  });
}
