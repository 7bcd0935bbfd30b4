/** Whether the file of a party holds keys for the way in which it authenticates, before an issuer is made with it. */
import { isWaybillError, type WaybillError } from '../../errors.ts';
import { readAuthorities, readSvidKeys } from '../../identity/index.ts';
import { AUTHORITIES, registeredThumbprints } from './client-certificate.ts';
import { SVID_KEYS } from './jwt-svid.ts';
import type { AuthenticatingParty } from './parties.ts';
import { documentOf, keysOfFile, unusable } from './party-keys.ts';

/**
 * @param document parsed; undefined where the file could not be read.
 * @returns what `createIssuer` would throw for this party: `keys_missing`, `keys_invalid`.
 */
export function keySetFault(party: AuthenticatingParty, document: unknown): WaybillError | undefined {
  try {
    requireKeys(party, document);
    return undefined;
  } catch (error) {
    if (isWaybillError(error)) return error;
    throw error;
  }
}

function requireKeys({ name, auth }: AuthenticatingParty, document: unknown): void {
  if (!('keys' in auth) || !('file' in auth.keys)) return;
  documentOf(name, auth.keys, new Map([[name, document]]));
  switch (auth.method) {
    case 'private_key_jwt':
      keysOfFile(name, document);
      return;
    case 'self_signed_tls_client_auth':
      registeredThumbprints(name, document);
      return;
    case 'spiffe_x509':
      if (!readAuthorities(document)) throw unusable(name, AUTHORITIES);
      return;
    case 'spiffe_jwt':
      if (!readSvidKeys(document)) throw unusable(name, SVID_KEYS);
  }
}
