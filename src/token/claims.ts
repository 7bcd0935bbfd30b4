/**
 * The claims of an access token (RFC 9068 section 2.2, with `txn` of RFC 8417 and Waybill's own two), parsed: only
 * `readClaims` yields an `AccessTokenClaims`, so the shapes of its claims need no second check.
 */

import { isScope, type Actor } from '../protocol.ts';
import { WaybillError } from '../errors.ts';
import { isActor } from './actors.ts';
import { isJsonObject, type JsonObject } from './json.ts';

export interface AccessTokenClaims {
  readonly iss: string;
  /** Whom the token is for; more than one where its service has several audiences, or forwards it to a callee. */
  readonly aud: string | readonly string[];
  readonly sub: string;
  readonly client_id: string;
  /** Seconds since the epoch. */
  readonly exp: number;
  /** Seconds since the epoch. */
  readonly iat: number;
  /** Seconds since the epoch. */
  readonly nbf?: number;
  readonly jti: string;
  /** One id for all tokens of a tree (RFC 8417 section 2.2): at most 256 visible ASCII characters. */
  readonly txn: string;
  /** Scopes with single blanks between (RFC 6749 section 3.3). */
  readonly scope?: string;
  /** The caller that is expected to present the token, and who acted before it (RFC 8693 section 4.1); absent on a root. */
  readonly act?: Actor;
  /** Callee's name → its token. */
  readonly embedded?: Readonly<Record<string, string>>;
  /** Callee's name → its audience, or a list of them, for callees whose token is fetched when it is needed. */
  readonly on_demand?: Readonly<Record<string, string | readonly string[]>>;
  readonly [claim: string]: unknown;
}

type Shape = (value: unknown) => boolean;

const isText: Shape = (value) => typeof value === 'string' && value !== '';
/** Revocation marks are stored under it; those of Waybill's issuer have 22 characters. */
const isTransaction: Shape = (value) => typeof value === 'string' && /^[\x21-\x7e]{1,256}$/.test(value);
const isTime: Shape = (value) => typeof value === 'number' && Number.isFinite(value) && value >= 0;
const isAudience: Shape = (value) =>
  isText(value) || (Array.isArray(value) && value.length > 0 && value.every(isText));
const isTextByName: Shape = (value) => isJsonObject(value) && Object.values(value).every(isText);
const isAudienceByName: Shape = (value) => isJsonObject(value) && Object.values(value).every(isAudience);
const isScopeText: Shape = (value) => typeof value === 'string' && isScope(value);

const REQUIRED = Object.entries<Shape>({
  iss: isText,
  aud: isAudience,
  sub: isText,
  client_id: isText,
  exp: isTime,
  iat: isTime,
  jti: isText,
  txn: isTransaction,
});

const OPTIONAL = Object.entries<Shape>({
  nbf: isTime,
  scope: isScopeText,
  act: isActor,
  embedded: isTextByName,
  on_demand: isAudienceByName,
});

/**
 * Checks the shapes of a payload's claims. Says nothing about who wrote them.
 *
 * @throws WaybillError `token_claims` that names the first claim that is missing or has another shape.
 */
export function readClaims(payload: JsonObject): AccessTokenClaims {
  for (const [claim, fits] of REQUIRED) {
    if (!Object.hasOwn(payload, claim)) throw unfit(claim, 'is missing');
    if (!fits(payload[claim])) throw unfit(claim, 'has the wrong shape');
  }
  for (const [claim, fits] of OPTIONAL) {
    if (Object.hasOwn(payload, claim) && !fits(payload[claim])) throw unfit(claim, 'has the wrong shape');
  }
  return payload as unknown as AccessTokenClaims;
}

/** The audiences of a token; the first is the service that the token was made for. */
export function audiencesOf({ aud }: Pick<AccessTokenClaims, 'aud'>): readonly string[] {
  return asList(aud);
}

/** One or several audiences, as `aud` and `on_demand` name them. */
export function asList(audience: string | readonly string[]): readonly string[] {
  return typeof audience === 'string' ? [audience] : audience;
}

export function scopesOf(claims: AccessTokenClaims): readonly string[] {
  return claims.scope === undefined ? [] : claims.scope.split(' ');
}

/**
 * Looks a name up in `embedded` or `on_demand`. Never by plain indexing: a callee may be called `constructor`, and
 * a payload may have a member `__proto__`.
 */
export function namedEntry<Value>(
  entries: Readonly<Record<string, Value>> | undefined,
  name: string,
): Value | undefined {
  return entries !== undefined && Object.hasOwn(entries, name) ? entries[name] : undefined;
}

function unfit(claim: string, what: string): WaybillError {
  return new WaybillError('token_claims', `the claim ${claim} ${what}`);
}
