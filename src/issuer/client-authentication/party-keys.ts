/** The public keys of clients and services: from a file, or fetched within bounds. */
import { issuerKeys } from '../../discovery/index.ts';
import { WaybillError, isWaybillError } from '../../errors.ts';
import type { KeySource } from '../../graph/index.ts';
import { keySet, readPartyKeySet, type KeyResolver } from '../../token/index.ts';
import type { AuthenticationOptions } from './parties.ts';

const TIMEOUT_MS = 5_000;
/** Seconds after a fetch in which an unknown key id causes no other one: anyone can send an unknown id. */
const COOLDOWN = 30;
const KEYS_MAX_AGE = 600;

/**
 * The parsed file that the graph names for a party.
 *
 * @throws WaybillError `keys_missing`
 */
export function documentOf(
  name: string,
  { file }: { readonly file: string },
  keySets: ReadonlyMap<string, unknown>,
): unknown {
  const document = keySets.get(name);
  if (document !== undefined) return document;
  throw new WaybillError('keys_missing', `${name} has no key set: ${file} cannot be read as JSON.`);
}

/** @param what the file should contain. */
export function unusable(name: string, what: string): WaybillError {
  return new WaybillError('keys_invalid', `The key set of ${name} cannot be used: it must be ${what}.`);
}

type Fetching = Pick<AuthenticationOptions, 'fetch' | 'keyWaits'>;

/** @throws WaybillError `keys_invalid` for a file without a usable key, naming the party. */
export function partyKeys(
  name: string,
  source: KeySource,
  document: unknown,
  fetching: Fetching,
): KeyResolver {
  return 'file' in source ? keysOfFile(name, document) : keysAt(name, source.uri, fetching);
}

/** @throws WaybillError `keys_invalid` */
export function keysOfFile(name: string, document: unknown): KeyResolver {
  try {
    const { jwks, weak } = readPartyKeySet(document);
    if (weak.length > 0) throw new WaybillError('keys_invalid', weak.join('; '));
    if (jwks.keys.length > 0) return keySet(document, readPartyKeySet);
  } catch (error) {
    if (!isWaybillError(error)) throw error;
    throw new WaybillError('keys_invalid', `The keys of ${name} cannot be used: ${error.message}.`);
  }
  throw new WaybillError(
    'keys_invalid',
    `The key set of ${name} has no usable key. It takes public keys on P-256, Ed25519 keys, and RSA keys with an \`alg\`, PS256 or RS256.`,
  );
}

function keysAt(name: string, uri: string, { fetch, keyWaits }: Fetching): KeyResolver {
  const keys = issuerKeys({
    issuer: uri,
    jwksUri: uri,
    fetch,
    timeout: TIMEOUT_MS,
    cooldown: COOLDOWN,
    keysMaxAge: KEYS_MAX_AGE,
    read: readPartyKeySet,
  });
  return async (reference) => {
    try {
      const key = keys(reference);
      return key instanceof Promise ? await keyWaits.until(key) : key;
    } catch (error) {
      if (!isWaybillError(error, 'issuer_unavailable', 'issuer_metadata')) throw error;
      throw new WaybillError(
        'provider_unavailable',
        `The keys of ${name} cannot be fetched at the moment.`,
        error.detail === undefined ? { cause: error } : { cause: error, detail: error.detail },
      );
    }
  };
}
