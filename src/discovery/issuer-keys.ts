/**
 * The issuer's public keys, fetched when they are first needed, and cached.
 *
 * jose's remote set is the cache: one fetch at a time, a cool-down for unknown key ids, an age after which keys
 * are dropped. Added here: discovery, bounds on what is read, only keys with an `alg` of their own, a pause after a
 * failure, and a refresh beside the request before the keys are too old, so that a short outage
 * of the issuer fails no request and a withdrawn key is dropped in time. A set without a usable key is a failure too: it
 * replaces nothing.
 *
 * jose counts its ages on the wall clock itself; the pauses here are on the monotonic one.
 */

import { createRemoteJWKSet, customFetch, type CryptoKey, type RemoteJWKSet } from 'jose';

import { WaybillError, isWaybillError } from '../errors.ts';
import {
  keyCacheName,
  hasUsableKey,
  isKeyNotFound,
  readKeySet,
  requireKeyAlgorithm,
  unknownKey,
  type KeyReference,
  type KeyResolver,
  type PublicKeySet,
} from '../token/index.ts';
import { fetchDocument, type Fetch } from './document.ts';
import { discoverAddress, metadataAddress } from './metadata.ts';

/** After a failed fetch the next one waits so long, in milliseconds; until then the failure is the answer. */
const PAUSE_AFTER_FAILURE = 1000;

/** How the keys of an issuer are fetched and cached. */
export interface KeyOptions {
  /** The issuer's URL, exactly as it stands in `iss`. */
  readonly issuer: string;
  /** Where its keys are. Default: found by discovery (RFC 8414). */
  readonly jwksUri?: string | undefined;
  /** Default: the global one. */
  readonly fetch?: Fetch | undefined;
  /** Longest wait for metadata and keys together, in milliseconds. Default: 5000. */
  readonly timeout?: number | undefined;
  /** Seconds after a fetch in which an unknown key id leads to no other one. Default: 30. */
  readonly cooldown?: number | undefined;
  /** Seconds after which fetched keys are no longer used. Default: 600. */
  readonly keysMaxAge?: number | undefined;
  /** Hosts for which http will do, since something else protects the connection. Default: none but loopback. */
  readonly insecureHosts?: readonly string[] | undefined;
  /** Takes the keys out of the set. Default: `readKeySet`, for an issuer of ours. */
  readonly read?: (document: unknown) => PublicKeySet;
}

/**
 * The keys of an issuer, for a verifier.
 *
 * @example
 * ```ts
 * import { issuerKeys, tokenVerifier } from 'waybill';
 *
 * const issuer = 'https://tokens.example';
 * const verify = tokenVerifier({ issuer, audience: 'https://stock.example', keys: issuerKeys({ issuer }) });
 * ```
 */
export function issuerKeys(options: KeyOptions): KeyResolver {
  const settings = withDefaults(options);
  const source = new KeySource(settings);
  const remote = createRemoteJWKSet(new URL(settings.jwksUri ?? metadataAddress(settings.issuer)), {
    timeoutDuration: Math.ceil(settings.timeout),
    cooldownDuration: settings.cooldown * 1000,
    cacheMaxAge: settings.keysMaxAge * 1000,
    [customFetch]: async (_address, { signal }) => source.fetch(signal),
  });
  /** What jose has found in `set`, for as long as it would find it again. */
  const found = new Map<string, CryptoKey>();
  let set: PublicKeySet | undefined;

  /** Asks jose. While a set is being fetched, a key may be of that set or of the one before. */
  async function ask(reference: KeyReference): Promise<CryptoKey> {
    const asked = remote.reloading ? undefined : source.keys;
    const key = await remote({ ...reference }).catch(refuse);
    if (asked !== undefined && asked === source.keys) {
      if (asked !== set) found.clear();
      set = asked;
      found.set(keyCacheName(reference), key);
    }
    refreshBesideRequest(remote, source);
    return key;
  }

  return (reference) => {
    requireKeyAlgorithm(reference, source.algorithms);
    const isCurrent = remote.fresh && set === source.keys;
    const key = isCurrent ? found.get(keyCacheName(reference)) : undefined;
    if (key === undefined) return ask(reference);
    refreshBesideRequest(remote, source);
    return key;
  };
}

function refuse(error: unknown): never {
  if (isWaybillError(error)) throw error;
  if (isKeyNotFound(error)) throw unknownKey();
  throw new WaybillError('issuer_metadata', 'a key of the issuer cannot be used', { cause: error });
}

type KeySettings = ReturnType<typeof withDefaults>;

function withDefaults(options: KeyOptions) {
  const {
    issuer,
    jwksUri,
    read = readKeySet,
    fetch = (address, init) => globalThis.fetch(address, init),
  } = options;
  const { timeout = 5000, cooldown = 30, keysMaxAge = 600, insecureHosts = [] } = options;
  return { issuer, jwksUri, read, fetch, timeout, cooldown, keysMaxAge, insecureHosts } satisfies KeyOptions;
}

/** The failure is not lost: the next request that needs a fetch meets it again. */
function refreshBesideRequest(remote: RemoteJWKSet, source: KeySource): void {
  if (source.isDue && !remote.reloading) remote.reload().catch(() => undefined);
}

/** Where jose's set gets its documents from. jose calls `fetch` once at a time. */
class KeySource {
  readonly #settings: KeySettings;
  #keys: PublicKeySet | undefined;
  #fetchedAt = 0;
  #address: string | undefined;
  #failure: { readonly error: unknown; readonly at: number } | undefined;

  constructor(settings: KeySettings) {
    this.#settings = settings;
  }

  /** The newest set; undefined before there is one. */
  get keys(): PublicKeySet | undefined {
    return this.#keys;
  }

  get algorithms(): PublicKeySet['algorithms'] {
    return this.#keys?.algorithms ?? new Map();
  }

  get isDue(): boolean {
    return performance.now() - this.#fetchedAt >= (this.#settings.keysMaxAge * 1000) / 2;
  }

  async fetch(signal: AbortSignal): Promise<Response> {
    if (this.#failure !== undefined && performance.now() - this.#failure.at < PAUSE_AFTER_FAILURE) {
      throw this.#failure.error;
    }
    try {
      const keys = await this.#readKeys(signal);
      this.#keys = keys;
      this.#fetchedAt = performance.now();
      this.#failure = undefined;
      return Response.json(keys.jwks);
    } catch (error) {
      this.#failure = { error, at: performance.now() };
      this.#address = undefined; // the issuer may have moved its keys
      throw error;
    }
  }

  async #readKeys(signal: AbortSignal): Promise<PublicKeySet> {
    const { fetch, issuer, jwksUri, read, insecureHosts } = this.#settings;
    this.#address ??= jwksUri ?? (await discoverAddress('jwks_uri', fetch, issuer, signal, insecureHosts));
    const address = this.#address;
    const keys = readWith(read, await fetchDocument(fetch, address, signal));
    if (await hasUsableKey(keys.jwks.keys)) return keys;
    throw unusable(
      `${address} publishes no usable key` +
        (this.#keys ? '; the previous keys stay in use until they are too old' : ''),
    );
  }
}

function readWith(read: (document: unknown) => PublicKeySet, document: unknown): PublicKeySet {
  try {
    return read(document);
  } catch (error) {
    throw unusable(error instanceof Error ? error.message : undefined, error);
  }
}

function unusable(detail: string | undefined, cause?: unknown): WaybillError {
  return new WaybillError('issuer_metadata', 'the key set of the issuer cannot be used', {
    cause,
    ...(detail === undefined ? {} : { detail }),
  });
}
