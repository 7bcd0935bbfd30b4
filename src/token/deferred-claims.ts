/**
 * `held`: what a token does not carry and a subtree fetched later needs, encrypted to the issuer alone. A JWE in compact
 * form, `dir` with A256GCM (RFC 7518 sections 4.5 and 5.3); the token's signature binds it.
 *
 * Without `typ` the text is the claims themselves, as ever. With `typ: held+2` it is an object with `claims`, `met` and
 * `step_up`; that form is written only where one of the last two is there, so that every issuer reads what has none.
 */
import { base64urlLength } from '../protocol.ts';
import { isJsonObject } from './json.ts';
import { CompactEncrypt, compactDecrypt } from 'jose';
import { WaybillError } from '../errors.ts';

export interface DeferredClaimsKey {
  readonly kid: string;
  /** 256 bits. */
  readonly secret: Uint8Array;
}

const ENCRYPTION = 'A256GCM';
const IV_CHARS = 16;
const TAG_CHARS = 22;
/** No set of claims that fits a header comes near. */
const MAX_CHARS = 64 * 1024;

/** What a token keeps for what its service may fetch. */
export interface DeferredClaims {
  /** Of the subject and of the request, those that the token does not carry. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** Ids of the parts of conditions that held when the tree began. Default: none. */
  readonly met?: readonly string[] | undefined;
  /** Ids of those that would have held after a stronger login. Default: none. */
  readonly stepUp?: readonly string[] | undefined;
}

const SECOND_FORM = 'held+2';

/** Both texts: what the header and what the ciphertext has. */
function textsOf({ claims, met = [], stepUp = [] }: DeferredClaims, kid: string): [object, string] {
  const header = { alg: 'dir', enc: ENCRYPTION, kid };
  if (met.length + stepUp.length === 0) return [header, JSON.stringify(claims)];
  return [{ ...header, typ: SECOND_FORM }, JSON.stringify({ claims, met, step_up: stepUp })];
}

/** Characters of a `held` whose claims have so many bytes as JSON, with a key id of eight characters. */
export function deferredClaimsLength(
  bytes: number,
  kid = 'k'.repeat(8),
  verdicts: Pick<DeferredClaims, 'met' | 'stepUp'> = {},
): number {
  const [header, text] = textsOf({ claims: {}, ...verdicts }, kid);
  const chars = base64urlLength(Buffer.byteLength(JSON.stringify(header)));
  const whole = Buffer.byteLength(text) - '{}'.length + bytes;
  return chars + '....'.length + IV_CHARS + base64urlLength(whole) + TAG_CHARS;
}

export async function encryptDeferredClaims(
  deferred: DeferredClaims,
  { kid, secret }: DeferredClaimsKey,
): Promise<string> {
  const [header, text] = textsOf(deferred, kid);
  return new CompactEncrypt(new TextEncoder().encode(text))
    .setProtectedHeader(header as { alg: string; enc: string })
    .encrypt(secret);
}

/** Of a token without deferred claims. */
export const NOTHING_DEFERRED: Required<DeferredClaims> = Object.freeze({
  claims: Object.freeze({}),
  met: Object.freeze([]),
  stepUp: Object.freeze([]),
});

/** @throws WaybillError `token_claims` where none of the keys opens it: it was sealed elsewhere, or too long ago. */
export async function decryptDeferredClaims(
  held: unknown,
  keys: readonly DeferredClaimsKey[],
): Promise<Required<DeferredClaims>> {
  if (held === undefined) return NOTHING_DEFERRED;
  if (typeof held !== 'string' || held.length > MAX_CHARS) throw unreadable();
  try {
    const { plaintext, protectedHeader } = await compactDecrypt(
      held,
      ({ kid }) => {
        const key = keys.find((candidate) => candidate.kid === kid);
        if (!key) throw unreadable();
        return key.secret;
      },
      { keyManagementAlgorithms: ['dir'], contentEncryptionAlgorithms: [ENCRYPTION] },
    );
    return readDeferred(protectedHeader.typ, JSON.parse(new TextDecoder().decode(plaintext)));
  } catch {
    throw unreadable();
  }
}

function readDeferred(typ: unknown, text: unknown): Required<DeferredClaims> {
  if (!isJsonObject(text)) throw unreadable();
  if (typ === undefined) return { claims: text, met: [], stepUp: [] };
  const { claims, met, step_up: stepUp } = text;
  if (typ !== SECOND_FORM || !isJsonObject(claims) || !areTexts(met) || !areTexts(stepUp)) throw unreadable();
  return { claims, met, stepUp };
}

function areTexts(list: unknown): list is readonly string[] {
  return Array.isArray(list) && list.every((each) => typeof each === 'string');
}

function unreadable(): WaybillError {
  return new WaybillError('token_claims', 'the claim held cannot be opened');
}
