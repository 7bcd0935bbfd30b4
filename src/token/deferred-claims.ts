/**
 * `held`: claims that a token does not carry and that a subtree fetched later needs, encrypted to the issuer alone. A
 * JWE in compact form, `dir` with A256GCM (RFC 7518 sections 4.5 and 5.3); the token's signature binds it.
 */
import { base64urlLength } from '../protocol.ts';
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

function jweHeader(kid: string): { alg: string; enc: string; kid: string } {
  return { alg: 'dir', enc: ENCRYPTION, kid };
}

/** Characters of a `held` whose claims have so many bytes as JSON, with a key id of eight characters. */
export function deferredClaimsLength(bytes: number, kid = 'k'.repeat(8)): number {
  const header = base64urlLength(Buffer.byteLength(JSON.stringify(jweHeader(kid))));
  return header + '....'.length + IV_CHARS + base64urlLength(bytes) + TAG_CHARS;
}

export async function encryptDeferredClaims(
  claims: Readonly<Record<string, unknown>>,
  { kid, secret }: DeferredClaimsKey,
): Promise<string> {
  const text = new TextEncoder().encode(JSON.stringify(claims));
  return new CompactEncrypt(text).setProtectedHeader(jweHeader(kid)).encrypt(secret);
}

/** @throws WaybillError `token_claims` where none of the keys opens it: it was sealed elsewhere, or too long ago. */
export async function decryptDeferredClaims(
  held: unknown,
  keys: readonly DeferredClaimsKey[],
): Promise<Readonly<Record<string, unknown>>> {
  if (held === undefined) return {};
  if (typeof held !== 'string' || held.length > MAX_CHARS) throw unreadable();
  try {
    const { plaintext } = await compactDecrypt(
      held,
      ({ kid }) => {
        const key = keys.find((candidate) => candidate.kid === kid);
        if (!key) throw unreadable();
        return key.secret;
      },
      { keyManagementAlgorithms: ['dir'], contentEncryptionAlgorithms: [ENCRYPTION] },
    );
    return JSON.parse(new TextDecoder().decode(plaintext)) as Readonly<Record<string, unknown>>;
  } catch {
    throw unreadable();
  }
}

function unreadable(): WaybillError {
  return new WaybillError('token_claims', 'the claim held cannot be opened');
}
