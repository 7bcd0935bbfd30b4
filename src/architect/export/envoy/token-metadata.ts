/** What `jwt_authn` leaves of a verified token for the filters behind it: its payload and its header, as metadata. */
import type { Json } from './typed.ts';

export const JWT_FILTER = 'envoy.filters.http.jwt_authn';
/** Keys in the filter's metadata. */
export const PAYLOAD = 'payload';
export const HEADER = 'header';
/** Why a token was not verified; in report mode alone. */
export const FAILURE = 'failure';

/** Matches a value of the token; the path is one of member names. */
export function tokenValue(path: readonly string[], value: Json): Json {
  const metadata_matcher = { filter: JWT_FILTER, path: path.map((key) => ({ key })), value };
  return { sourced_metadata: { metadata_matcher } };
}

export function claimIs(claim: readonly string[], text: string): Json {
  return tokenValue([PAYLOAD, ...claim], { string_match: { exact: text } });
}

export function claimContains(claim: string, text: string): Json {
  return tokenValue([PAYLOAD, claim], { list_match: { one_of: { string_match: { exact: text } } } });
}

export function hasClaim(...claim: readonly string[]): Json {
  return tokenValue([PAYLOAD, ...claim], { present_match: true });
}

/** As a header shows it, which cannot tell what is empty from what is absent. */
export function hasFilledClaim(claim: string): Json {
  const values = [{ null_match: {} }, { string_match: { exact: '' } }];
  const empty = values.map((value) => tokenValue([PAYLOAD, claim], value));
  return { and_ids: { ids: [hasClaim(claim), { not_id: { or_ids: { ids: empty } } }] } };
}

/** The header of every JWT begins with it: `{"`. */
export const JWT_START = 'eyJ';

/** Whether the token has one for a callee: a text, and no empty one. */
export function hasChild(callee: string): Json {
  return tokenValue([PAYLOAD, 'embedded', callee], { string_match: { prefix: JWT_START } });
}

/** Puts the token of a callee into a header. */
export function childOf(callee: string): string {
  return `%DYNAMIC_METADATA(${JWT_FILTER}:${PAYLOAD}:embedded:${callee})%`;
}
