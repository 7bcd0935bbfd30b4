/**
 * Verifies tokens of the identity providers that a client may use. Keys come from the configured provider only (threat 9),
 * `typ` says which kind of token it is (threat 8), and it must have been issued to the expected party.
 */
import { getOrAdd } from '../../get-or-add.ts';
import {
  createRemoteJWKSet,
  customFetch,
  errors,
  jwtVerify,
  decodeJwt,
  decodeProtectedHeader,
  type JWTPayload,
  type JWTVerifyGetKey,
} from 'jose';
import type { Clock } from '../../clock.ts';
import { fetchDocument, secureUrl } from '../../discovery/index.ts';
import { WaybillError, isWaybillError } from '../../errors.ts';
import { parseExactly } from '../../input/exact-number.ts';
import { valueBytes, type ClientPlan, type Plan, type SubjectPlan } from '../../graph/index.ts';
import { hasUsableKey, withoutWeakKeys } from '../../token/index.ts';
import { KeyWaitsExceeded, type KeyWaits } from '../key-waits.ts';
import { checkActor, checkKind, checkAuthorizedParty, refused } from './subject-checks.ts';
import { checkConditions, type SubjectClaims } from './subject-claims.ts';

/** RFC 8693 section 3. */
export type SubjectTokenType = 'id_token' | 'access_token' | 'jwt';

/** A token of an identity provider, and the type that the client states for it. */
export interface SubjectToken {
  readonly token: string;
  readonly type: SubjectTokenType;
}

/** A user, as a verified token of a provider describes it. */
export interface Subject {
  /** The provider's name in the graph. */
  readonly provider: string;
  /** Unique among the users of all providers and the clients. */
  readonly sub: string;
  /** All claims of the provider's token. */
  readonly claims: SubjectClaims;
  /** Seconds since the epoch; no tree lives longer. */
  readonly exp: number;
}

/** A provider's token is larger than ours: it may carry groups, an address, a picture's URL. */
const MAX_SUBJECT_TOKEN = 16 * 1024;
/** Seconds that a provider's clock may be ahead. */
const CLOCK_TOLERANCE = 5;
const TIMEOUT_MS = 5_000;
const KEYS_MAX_AGE_MS = 600_000;
/** More keys than any provider rotates through: each token searches all of them. */
const MAX_KEYS = 100;

type ProviderKeys = ReturnType<typeof createRemoteJWKSet>;

export interface SubjectsOptions {
  readonly plan: Plan;
  readonly clock: Clock;
  readonly fetch: typeof globalThis.fetch;
  readonly keyWaits: KeyWaits;
}

export class Subjects {
  readonly #options: SubjectsOptions;
  readonly #keys = new Map<SubjectPlan, Promise<ProviderKeys>>();

  constructor(options: SubjectsOptions) {
    this.#options = options;
  }

  /**
   * @throws WaybillError `invalid_grant` for a token that is not accepted; `provider_unavailable` if its keys cannot be
   *   fetched.
   */
  async verify(client: ClientPlan, { token, type }: SubjectToken): Promise<Subject> {
    if (token.length > MAX_SUBJECT_TOKEN) throw refused(`it is larger than ${MAX_SUBJECT_TOKEN} bytes`);
    const { provider, kind } = this.#recognise(client, token, type);
    const claims = await this.#claims(provider, token);
    checkKind(kind, claims);
    checkAuthorizedParty(provider, kind, claims);
    checkActor(provider, claims);
    const subject = this.#subject(provider, claims, payloadOf(token));
    checkConditions(subject.claims, this.#options.plan, client);
    return subject;
  }

  /** By `iss`, `typ` and `aud`, unverified: they only select the provider whose keys must have signed the token. */
  #recognise(
    client: ClientPlan,
    token: string,
    type: SubjectTokenType,
  ): { provider: SubjectPlan; kind: 'id_token' | 'access_token' } {
    let payload: JWTPayload;
    let typ: unknown;
    try {
      payload = decodeJwt(token);
      typ = decodeProtectedHeader(token).typ;
    } catch {
      throw refused('it is not a JWT');
    }
    // RFC 9068 section 2.1 for an access token; an ID token has `JWT` or nothing (OpenID Connect Core section 2).
    const form = typeof typ === 'string' ? typ.toLowerCase().replace(/^application\//, '') : typ;
    const kind =
      form === 'at+jwt' ? 'access_token' : form === undefined || form === 'jwt' ? 'id_token' : undefined;
    if (kind === undefined)
      throw refused('its typ is neither that of an ID token nor that of an access token');
    if (type !== 'jwt' && type !== kind) throw refused(`it is not what subject_token_type says`);
    const ofIssuer = client.subjects.filter(
      ({ issuer, tokenTypes }) => issuer === payload.iss && tokenTypes.includes(kind),
    );
    if (ofIssuer.length === 0 || payload.iss === this.#options.plan.issuer.url) {
      throw refused(`${client.name} may not exchange such a token of this issuer`);
    }
    return { provider: selectProvider(client, ofIssuer, payload), kind };
  }

  async #claims(provider: SubjectPlan, token: string): Promise<JWTPayload> {
    const { keyWaits, clock } = this.#options;
    const keys = await keyWaits.until(this.#keysOf(provider));
    const keyOf: JWTVerifyGetKey = async (header, jws) => keyWaits.until(keys(header, jws));
    const now = clock();
    try {
      const { payload } = await jwtVerify(token, keyOf, {
        issuer: provider.issuer,
        audience: provider.audience,
        algorithms: algorithmsOf(provider),
        requiredClaims: ['sub', 'exp', 'iat'],
        currentDate: new Date(now * 1000),
        clockTolerance: CLOCK_TOLERANCE, // for nbf; exp has no tolerance
      });
      if (![payload.exp, payload.iat].every(Number.isFinite)) throw refused('its exp or iat is not a number');
      if (wholeSeconds(payload.exp) <= now) throw refused('it has expired');
      if ((payload.iat ?? 0) > now + CLOCK_TOLERANCE) throw refused('it is from the future');
      return payload;
    } catch (error) {
      if (error instanceof KeyWaitsExceeded) throw error;
      if (isWaybillError(error, 'provider_unavailable') && !keys.fresh) this.#keys.delete(provider); // they may have moved
      if (isWaybillError(error)) throw error;
      if (isOfToken(error)) throw refused(reasonOf(error));
      throw unavailable(provider, error);
    }
  }

  /** One discovery serves all tokens that wait for it. A failure is not cached: the next token tries again. */
  #keysOf(provider: SubjectPlan): Promise<ProviderKeys> {
    return getOrAdd(this.#keys, provider, () =>
      this.#remoteKeys(provider).catch((error: unknown) => {
        this.#keys.delete(provider);
        throw error;
      }),
    );
  }

  async #remoteKeys(provider: SubjectPlan): Promise<ProviderKeys> {
    const uri = provider.jwksUri ?? (await this.#discover(provider));
    return createRemoteJWKSet(new URL(uri), {
      timeoutDuration: TIMEOUT_MS,
      cacheMaxAge: KEYS_MAX_AGE_MS,
      [customFetch]: async (address, { signal }) =>
        Response.json(await this.#keySet(provider, address, signal)),
    });
  }

  async #keySet(provider: SubjectPlan, address: string, signal: AbortSignal): Promise<unknown> {
    const document = await this.#document(provider, address, signal);
    const { keys: listed } = (document ?? {}) as { keys?: unknown };
    if (!Array.isArray(listed)) return document; // jose refuses it
    if (listed.length > MAX_KEYS)
      throw unavailable(
        provider,
        new TypeError(`${address} has ${listed.length} keys, the limit is ${MAX_KEYS}`),
      );
    const keys = withoutWeakKeys(listed);
    if (await hasUsableKey(keys, algorithmsOf(provider))) return { keys };
    throw unavailable(provider, new TypeError(`${address} publishes no usable key; the known keys stay`));
  }

  /** OpenID Connect Discovery 1.0 section 4: the well-known path is appended to the issuer. */
  async #discover(provider: SubjectPlan): Promise<string> {
    const address = `${provider.issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
    const metadata = (await this.#document(provider, address, AbortSignal.timeout(TIMEOUT_MS))) ?? {};
    const { issuer, jwks_uri: uri } = metadata as { issuer?: unknown; jwks_uri?: unknown };
    if (issuer !== provider.issuer || typeof uri !== 'string' || secureUrl(uri) === undefined) {
      throw unavailable(
        provider,
        new TypeError('the metadata is for another issuer, or has no usable jwks_uri'),
      );
    }
    return uri;
  }

  async #document(provider: SubjectPlan, address: string, signal: AbortSignal): Promise<unknown> {
    try {
      return await fetchDocument(this.#options.fetch, address, signal);
    } catch (error) {
      throw unavailable(provider, error);
    }
  }

  #subject(
    { prefix, subMaxBytes, name }: SubjectPlan,
    { sub, exp }: JWTPayload,
    claims: SubjectClaims,
  ): Subject {
    const { plan } = this.#options;
    // Two numbers or objects could become the same text.
    if (typeof sub !== 'string' || sub === '') throw refused('its sub is empty or not a text');
    const bytes = valueBytes(sub);
    if (bytes > subMaxBytes) throw refused(`its sub has ${bytes} bytes; ${name} allows ${subMaxBytes}`);
    const whole = `${prefix}${sub}`;
    // RFC 9068 section 5: without a prefix, a user could have the name of a client.
    if (plan.clients.has(whole) || plan.services.has(whole)) throw refused('its sub is the name of a client');
    return { provider: name, sub: whole, claims, exp: wholeSeconds(exp) };
  }
}

/** Providers still use the older name of Ed25519 (RFC 9864). */
function algorithmsOf({ algorithms }: SubjectPlan): (SubjectPlan['algorithms'][number] | 'EdDSA')[] {
  return [...algorithms, ...(algorithms.includes('Ed25519') ? (['EdDSA'] as const) : [])];
}

/** Several providers may have one issuer; the audience selects one. The graph makes sure that the audiences differ. */
function selectProvider(
  { name }: ClientPlan,
  providers: readonly SubjectPlan[],
  { aud }: JWTPayload,
): SubjectPlan {
  const meant =
    providers.length > 1 ? providers.filter(({ audience }) => [aud].flat().includes(audience)) : providers;
  const [provider, ...more] = meant;
  if (!provider) throw refused('its claim aud is not accepted');
  if (more.length > 0) throw refused(`its aud names more than one provider of ${name}`);
  return provider;
}

/** The claims of a verified token, with its numbers as they are written. */
function payloadOf(token: string): SubjectClaims {
  const [, payload = ''] = token.split('.');
  return parseExactly(new TextDecoder().decode(Buffer.from(payload, 'base64url'))) as SubjectClaims;
}

/** RFC 7519 section 2: a NumericDate may have a fraction; the times of a tree have none. */
function wholeSeconds(time = 0): number {
  return Math.floor(time);
}

/** Whether the token caused the error; every other one is about the provider's keys. */
function isOfToken(error: unknown): error is errors.JOSEError {
  const ofKeys = error instanceof errors.JWKSInvalid || error instanceof errors.JWKSTimeout;
  return error instanceof errors.JOSEError && !ofKeys;
}

function reasonOf(error: errors.JOSEError): string {
  if (error instanceof errors.JWTExpired) return 'it has expired';
  if (error instanceof errors.JWTClaimValidationFailed) return `its claim ${error.claim} is not accepted`;
  if (error instanceof errors.JWKSNoMatchingKey) return 'no key of its issuer has signed it';
  if (error instanceof errors.JWKSMultipleMatchingKeys)
    return 'it names no key (kid), and several keys of its issuer match';
  if (error instanceof errors.JOSEAlgNotAllowed) return 'its algorithm is not accepted';
  return 'its signature is invalid';
}

function unavailable({ name }: SubjectPlan, cause: unknown): WaybillError {
  const detail = isWaybillError(cause)
    ? (cause.detail ?? cause.message)
    : cause instanceof Error
      ? cause.message
      : undefined;
  return new WaybillError(
    'provider_unavailable',
    `The keys of the provider ${name} cannot be fetched at the moment.`,
    { cause, ...(detail === undefined ? {} : { detail }) },
  );
}
