/**
 * The headers in which an application gets what its token says. Nobody else may set them: every `x-waybill-` header of a
 * request is removed, in both directions.
 */
import type { RequestContext } from '../middleware/index.ts';

export type HeaderLine = readonly [name: string, value: string];

/** Those that the sidecar sets. */
export const IDENTITY_HEADERS = [
  'x-waybill-sub',
  'x-waybill-scope',
  'x-waybill-act',
  'x-waybill-txn',
  'x-waybill-claims',
] as const;

/** Servers of the CGI kind take every sign that is no letter and no digit for a dash. */
const IDENTITY_NAME = /^x[^a-z0-9]waybill[^a-z0-9]/i;

export function isIdentityHeader(name: string): boolean {
  return IDENTITY_NAME.test(name);
}

/** @param withClaims whether all claims are sent too, as base64url of JSON; children are not among them. */
export function identityHeaders({ claims, scopes }: RequestContext, withClaims: boolean): HeaderLine[] {
  const { sub, act, txn } = claims;
  const lines: HeaderLine[] = [
    ['x-waybill-sub', headerText(sub)],
    // RFC 6749 section 3.3: scopes are visible ASCII already.
    ['x-waybill-scope', scopes.join(' ')],
    ['x-waybill-txn', headerText(txn)],
  ];
  if (act !== undefined) lines.push(['x-waybill-act', headerText(act.sub)]);
  if (withClaims) lines.push(['x-waybill-claims', Buffer.from(JSON.stringify(claims)).toString('base64url')]);
  return lines;
}

/** Percent escapes of UTF-8 for what is no visible ASCII, and for `%`, so that each text has one form and gives it back. */
function headerText(text: string): string {
  return text.replace(/[^\x21-\x24\x26-\x7e]+/g, (part) =>
    [...Buffer.from(part)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  );
}
