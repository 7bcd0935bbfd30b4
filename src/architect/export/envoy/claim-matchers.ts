/**
 * How the rules of Envoy see the claims of a verified token.
 *
 * As headers they cost a copy of each claim that a rule names. As metadata all claims can be named, but Envoy copies the
 * whole payload three times for each request, with the children in it: for report mode and its log.
 */
import { tokenHeaders } from '../token-headers.ts';
import { claimContains, claimIs, hasFilledClaim } from './token-metadata.ts';
import type { Json } from './typed.ts';

/** Principals of RBAC; a claim is a path of member names. */
export interface ClaimMatchers {
  is(claim: readonly string[], text: string): Json;
  /** Whether a claim that is separated by blanks has this word. */
  contains(claim: string, word: string): Json;
  has(claim: string): Json;
}

export const METADATA_CLAIMS: ClaimMatchers = { is: claimIs, contains: claimContains, has: hasFilledClaim };

/** A claim, and the header in which the rules find it. */
export interface ClaimHeader {
  readonly header: string;
  readonly claim: readonly string[];
}

/** Whether a token is bound to a key. What is no text is given as JSON in Base64. */
const CONFIRMATION: ClaimHeader = { header: 'x-waybill-cnf', claim: ['cnf'] };
/** Of roots: their client, and whether there is a caller in some form. */
const CLIENT: ClaimHeader = { header: 'x-waybill-client-id', claim: ['client_id'] };
const CALLER: ClaimHeader = { header: 'x-waybill-caller', claim: ['act'] };

/** The URIs in the certificate of the connection, with commas between them: for the rules alone. */
export const PEER_URIS = 'x-waybill-peer-uris';

/** @returns those that only the rules need, and the service does not get. */
export function ruleHeaders(acceptsRoots: boolean): readonly ClaimHeader[] {
  return acceptsRoots ? [CONFIRMATION, CLIENT, CALLER] : [CONFIRMATION];
}

const HEADERS = new Map(
  [...tokenHeaders, ...ruleHeaders(true)].map(({ header, claim }) => [claim.join('.'), header]),
);

export const HEADER_CLAIMS: ClaimMatchers = {
  is: (claim, text) => value(claim.join('.'), { exact: text }),
  // Four comparisons of texts cost less than one expression.
  contains: (claim, word) => ({
    or_ids: {
      ids: [{ exact: word }, { prefix: `${word} ` }, { suffix: ` ${word}` }, { contains: ` ${word} ` }].map(
        (text) => value(claim, text),
      ),
    },
  }),
  has: (claim) => ({ header: { name: headerOf(claim), present_match: true } }),
};

function value(claim: string, string_match: Json): Json {
  return { header: { name: headerOf(claim), string_match } };
}

function headerOf(claim: string): string {
  const header = HEADERS.get(claim);
  if (header === undefined) throw new TypeError(`no header has the claim ${claim}`);
  return header;
}
