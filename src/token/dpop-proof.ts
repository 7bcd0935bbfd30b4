/**
 * Verifies a DPoP proof (RFC 9449 section 4.3), for the token endpoint and for the edge alike.
 *
 * In: the `DPoP` header lines of a request, and what the request is. Out: the key that signed, and what marks the proof as
 * used; that it counts once is for the caller to see to, who knows where such marks are kept. The order of the steps
 * is that of their cost: everything that can be read is, before a signature is checked.
 *
 * Nonces (sections 8 and 9) are optional and not used here: a proof is good for a minute and counts once, which is what
 * a nonce would add for clients whose clocks are right.
 */
import { createHash } from 'node:crypto';
import { compactVerify } from 'jose';

import { WaybillError, type WaybillErrorOptions } from '../errors.ts';
import { comparableAddress } from './comparable-address.ts';
import { FULLY_SPECIFIED_ALGORITHMS, isFullySpecified, type FullySpecifiedAlgorithm } from '../protocol.ts';
import { fromBase64url } from './base64url.ts';
import { isJsonObject, parseObject, utf8, type JsonObject } from './json.ts';
import { readProofKey, type ProofKey } from './proof-key.ts';

/** Step 5: asymmetric, and no others (RFC 9449 section 5.1, `dpop_signing_alg_values_supported`). */
export const PROOF_ALGORITHMS = FULLY_SPECIFIED_ALGORITHMS;
export const PROOF_TYPE = 'dpop+jwt';

/** An RSA key of 4096 bits and its signature take under 3 KiB. */
const MAX_PROOF_BYTES = 4 * 1024;
/** Seconds (section 11.1: a relatively brief period): how old a proof may be, and how far ahead a client's clock. */
export const PROOF_MAX_AGE = 60;
export const PROOF_MAX_AHEAD = 30;

/** What the request is that the proof must be for. */
export interface ProvenRequest {
  /** In capital letters, as HTTP has it. */
  readonly method: string;
  /** Under which addresses it may have been made: absolute, and without what a `Host` header says. */
  readonly addresses: readonly string[];
  /** The token that is presented with the proof; absent at the token endpoint. */
  readonly token?: string | undefined;
  /** Seconds since the epoch. */
  readonly now: number;
}

export interface VerifiedProof {
  /** The thumbprint of the key that signed (RFC 7638), as `cnf` has it. */
  readonly jkt: string;
  /** Under which the proof is marked as used: 43 characters, whatever its `jti` is. */
  readonly mark: string;
  /** When it was made, by the clock of its client, in seconds since the epoch. */
  readonly iat: number;
  /** Seconds since the epoch: from then on the proof is refused for its age. */
  readonly until: number;
}

/** @throws WaybillError `invalid_dpop_proof`, without anything out of the proof */
export async function verifyProof(lines: readonly string[], request: ProvenRequest): Promise<VerifiedProof> {
  const proof = onlyProof(lines);
  const { header, payload } = readProof(proof);
  const { alg, key } = keyOf(header);
  checkRequest(payload, request);
  const iat = checkTimes(payload, request.now);
  checkToken(payload, request.token);
  const { jti } = payload;
  if (typeof jti !== 'string' || jti === '') throw refused('it has no jti');
  await checkSignature(proof, alg, key);
  const mark = sha256(JSON.stringify([key.thumbprint, jti]));
  return { jkt: key.thumbprint, mark, iat, until: Math.ceil(iat + PROOF_MAX_AGE) };
}

/** Steps 1 and 2. A server that joins lines puts a comma between, which no JWS has. */
function onlyProof(lines: readonly string[]): string {
  const [proof, ...more] = lines;
  if (proof === undefined) throw refused('it is missing');
  if (more.length > 0 || proof.includes(',')) throw refused('there is more than one DPoP header');
  if (proof.length > MAX_PROOF_BYTES) throw refused(`it is larger than ${MAX_PROOF_BYTES} bytes`);
  return proof;
}

function readProof(proof: string): { readonly header: JsonObject; readonly payload: JsonObject } {
  const parts = proof.split('.', 4).map(fromBase64url);
  const [header, payload, signature] = parts;
  if (parts.length !== 3 || !header?.length || !payload?.length || !signature?.length)
    throw refused('it is not a JWS in compact form');
  return { header: readObject(header), payload: readObject(payload) };
}

function readObject(bytes: Uint8Array): JsonObject {
  const text = utf8(bytes);
  const object = text === undefined ? undefined : parseObject(text);
  if (object === undefined) throw refused('a part of it is not a JSON object');
  return object;
}

/** Steps 4, 5 and 7. `kid`, `jku` and `x5u` name keys too, and are not looked at (RFC 8725 section 3.10). */
function keyOf(header: JsonObject): { readonly alg: FullySpecifiedAlgorithm; readonly key: ProofKey } {
  const { typ, alg, jwk } = header;
  if (typ !== PROOF_TYPE) throw refused(`its typ is not ${PROOF_TYPE}`);
  if (!isFullySpecified(alg)) throw refused(`its alg is not one of ${PROOF_ALGORITHMS.join(', ')}`);
  if (Object.hasOwn(header, 'crit')) throw refused('it has crit, and no extension is understood');
  const key = isJsonObject(jwk) ? readProofKey(jwk, alg) : undefined;
  if (key === undefined) throw refused('its jwk is not a public key for its alg');
  return { alg, key };
}

/** Steps 8 and 9. */
function checkRequest({ htm, htu }: JsonObject, { method, addresses }: ProvenRequest): void {
  if (htm !== method) throw refused('it was made for another method (htm)');
  const address = typeof htu === 'string' ? comparableAddress(htu) : undefined;
  if (address !== undefined && addresses.some((expected) => comparableAddress(expected) === address)) return;
  throw refused('it was made for another address (htu)', {
    detail: `expected ${addresses.join(' or ') || 'none'}`,
  });
}

/** Step 11. `exp` and `nbf` need not be there; where they are, they mean what they mean in every JWT. */
function checkTimes({ iat, exp, nbf }: JsonObject, now: number): number {
  if (!isTime(iat)) throw refused('it has no iat');
  if (iat < now - PROOF_MAX_AGE || (exp !== undefined && !(isTime(exp) && now < exp)))
    throw refused('it is too old');
  if (iat > now + PROOF_MAX_AHEAD || (nbf !== undefined && !(isTime(nbf) && nbf <= now + PROOF_MAX_AHEAD)))
    throw refused('it is from the future; the clocks may differ');
  return iat;
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

/** Step 12, its first half: the second, the key, is for who knows to which one the token is bound. */
function checkToken({ ath }: JsonObject, token: string | undefined): void {
  if (token === undefined || ath === sha256(token)) return;
  throw refused('it was made for another token (ath)');
}

/** Step 6. */
async function checkSignature(proof: string, alg: FullySpecifiedAlgorithm, { jwk }: ProofKey): Promise<void> {
  try {
    await compactVerify(proof, jwk, { algorithms: [alg] });
  } catch (error) {
    throw refused('its signature is not that of its key', { cause: error });
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

function refused(reason: string, more: WaybillErrorOptions = {}): WaybillError {
  return new WaybillError('invalid_dpop_proof', `the DPoP proof is not accepted: ${reason}`, more);
}
