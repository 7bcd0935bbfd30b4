/**
 * Authentication with a JWT-SVID (draft-ietf-oauth-spiffe-client-auth section 3.1; the JWT-SVID standard).
 *
 * The trust domain signs it, not the client: the key is one of the bundle that the graph names for the client's SPIFFE
 * ID, never one that the token or its `iss` points to (section 5.2.4 of the draft).
 *
 * It may be presented more than once. Agents give out the same SVID until it is old, many SVIDs have no `jti`, and
 * validators need not check it (JWT-SVID section 7.1). A stolen SVID is limited by its audience, which is this issuer
 * alone, and by its short remaining lifetime.
 */
import { compactVerify, errors, type JWTPayload, type ProtectedHeaderParameters } from 'jose';
import { parseSpiffeId, readSvidKeys, type SvidKey } from '../../identity/index.ts';
import {
  decodeAssertion,
  refused,
  requireSoleAudience,
  requireTimes,
  unaccepted,
} from './assertion-claims.ts';
import type { AuthenticationOptions, Verify } from './parties.ts';
import type { Steps } from '../../planning/index.ts';
import { prepareSpiffeParties, type SpiffeParties, type SpiffeParty } from './spiffe-parties.ts';

export interface ReceivedSvid {
  readonly method: 'spiffe_jwt';
  /** The parameter `client_id`, which is optional here: a name of the graph, or the SPIFFE ID. */
  readonly clientId: string | undefined;
  readonly assertion: string;
}

/** What the file of a JWT-SVID's party must be. */
export const SVID_KEYS = 'a bundle with use jwt-svid';

/** Seconds from now to `exp`: three times SPIRE's default. */
const MAX_SVID_LIFETIME = 900;

/** JWT-SVID section 2.1, each with its kind of key. */
const ALGORITHMS: ReadonlyMap<string, string> = new Map([
  ['ES256', 'prime256v1'],
  ['ES384', 'secp384r1'],
  ['ES512', 'secp521r1'],
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'].map((alg) => [alg, 'rsa'] as const),
]);

/** JWT-SVID section 2: no other member is allowed, above all none that brings a key. */
const HEADER = ['alg', 'kid', 'typ'];
/** JWT-SVID section 2.3: case-sensitive. */
const TYPES: readonly unknown[] = [undefined, 'JWT', 'JOSE'];

type SvidKeys = ReadonlyMap<string, SvidKey>;

/** @throws WaybillError `keys_missing`, `keys_invalid` */
export function* svidAuthentication(options: AuthenticationOptions): Steps<Verify<ReceivedSvid>> {
  const { plan, clock } = options;
  const parties = yield* prepareSpiffeParties(options, 'spiffe_jwt', readSvidKeys, SVID_KEYS);
  return async ({ clientId, assertion }) => {
    const { payload, header } = decodeAssertion(assertion);
    const reference = referenceOf(header);
    const party = partyOf(parties, payload, clientId);
    await verifySignature(assertion, party, reference);
    requireSoleAudience(payload, plan.issuer.url);
    requireTimes(payload, clock(), MAX_SVID_LIFETIME);
    return party.name;
  };
}

/** The party that the SVID claims to be from. */
function partyOf(
  parties: SpiffeParties<SvidKeys>,
  { sub }: JWTPayload,
  clientId: string | undefined,
): SpiffeParty<SvidKeys> {
  const id = typeof sub === 'string' ? parseSpiffeId(sub)?.uri : undefined;
  if (id === undefined) throw refused('The sub of the assertion is not the SPIFFE ID of a workload.');
  const named = clientId === undefined || clientId === id ? undefined : clientId;
  const party = named === undefined ? parties.findById(id) : parties.findByName(named);
  if (party === undefined)
    throw unaccepted('no client with this SPIFFE ID, or several: then client_id must be a name of the graph');
  if (!party.spiffeIds.includes(id)) throw unaccepted(`${party.name} has another SPIFFE ID`);
  return party;
}

interface SvidReference {
  readonly alg: string;
  readonly kid: string;
}

function referenceOf(header: ProtectedHeaderParameters): SvidReference {
  const { alg, kid, typ } = header;
  const foreign = Object.keys(header).find((member) => !HEADER.includes(member));
  if (foreign !== undefined)
    throw refused('The header of a JWT-SVID has alg, kid and typ, and nothing else.');
  if (!TYPES.includes(typ)) throw refused('The typ of a JWT-SVID must be JWT or JOSE, or absent.');
  if (alg === undefined || !ALGORITHMS.has(alg))
    throw refused('The algorithm of the assertion is not accepted.');
  if (typeof kid !== 'string' || kid === '') throw refused('The assertion names no key (kid).');
  return { alg, kid };
}

/** An unknown client and a wrong key get the same answer. */
async function verifySignature(
  svid: string,
  { name, keys }: SpiffeParty<SvidKeys>,
  { alg, kid }: SvidReference,
): Promise<void> {
  const found = keys.get(kid);
  if (!found) throw unaccepted(`${name}: the bundle has no key of that kid`);
  if (!serves(found, alg)) throw unaccepted(`${name}: the key is for another algorithm`);
  try {
    await compactVerify(svid, found.key, { algorithms: [alg] });
  } catch (error) {
    if (error instanceof errors.JOSEError) throw unaccepted(`${name}: ${error.code}`);
    throw error;
  }
}

/** RFC 8725 section 3.1: a curve has one algorithm; an RSA key with an `alg` in the bundle has that one. */
function serves({ key, alg: own }: SvidKey, alg: string): boolean {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  const kind = type === 'ec' ? details?.namedCurve : type;
  return kind === ALGORITHMS.get(alg) && (own === undefined || own === alg);
}
