/**
 * Encryption keys that services publish at an address. They are fetched when they are first needed, and again beside a
 * request when they are five minutes old. While a service cannot be asked its last keys stay in use for a day; then its
 * tokens are refused. They are never sent unsealed instead.
 */
import type { Clock } from '../../clock.ts';
import { fetchDocument } from '../../discovery/index.ts';
import { WaybillError, isWaybillError } from '../../errors.ts';
import type { KeyAgreement } from '../../graph/index.ts';
import type { SealKey } from '../../token/index.ts';
import type { KeyWaits } from '../key-waits.ts';
import { recipientKey, sealKeyThumbprint } from './recipient-key.ts';

export interface PublishedKeys {
  readonly service: string;
  readonly uri: string;
  /** Only keys for it are used; absent: as the key says. */
  readonly alg: KeyAgreement | undefined;
}

export interface Fetching {
  readonly fetch: typeof globalThis.fetch;
  readonly keyWaits: KeyWaits;
  readonly clock: Clock;
}

/** A service's tokens are sealed to another key than before: the thumbprints of both (RFC 7638). */
export interface ChangedSealKey {
  readonly service: string;
  readonly before: string;
  readonly now: string;
}

const TIMEOUT_MS = 5_000;
const MAX_BYTES = 64 * 1024;
/** Seconds. */
const MAX_AGE = 300;
const LAST_GOOD_AGE = 24 * 60 * 60;
/** Seconds after a failure in which none is asked again. */
const PAUSE = 5;

interface Entry {
  key?: SealKey;
  thumbprint?: string;
  fetchedAt: number;
  failedAt: number;
  detail?: string | undefined;
  fetching?: Promise<SealKey> | undefined;
}

/** One for a process, so that the keys outlive a reload of the graph. */
export class FetchedSealKeys {
  readonly #entries = new Map<string, Entry>();
  readonly #onChange: ((change: ChangedSealKey) => void) | undefined;

  /** @param onChange is called when a service publishes another key first. */
  constructor(onChange?: (change: ChangedSealKey) => void) {
    this.#onChange = onChange;
  }

  /** @throws WaybillError `provider_unavailable`, perhaps as a rejection, where there is no key that may still be used. */
  find(published: PublishedKeys, fetching: Fetching): SealKey | Promise<SealKey> {
    const entry = this.#entryOf(published);
    const age = fetching.clock() - entry.fetchedAt;
    const isPausing = fetching.clock() < entry.failedAt + PAUSE;
    if (entry.key && age < LAST_GOOD_AGE) {
      // The failure is not lost: it is met once the key is too old.
      if (age >= MAX_AGE && !isPausing) this.#fetch(entry, published, fetching).catch(() => undefined);
      return entry.key;
    }
    if (isPausing) throw unavailable(published, entry.detail);
    return fetching.keyWaits.until(this.#fetch(entry, published, fetching));
  }

  #entryOf({ service, uri, alg }: PublishedKeys): Entry {
    const name = JSON.stringify([service, uri, alg]);
    let entry = this.#entries.get(name);
    if (!entry) this.#entries.set(name, (entry = { fetchedAt: -Infinity, failedAt: -Infinity }));
    return entry;
  }

  #fetch(entry: Entry, published: PublishedKeys, fetching: Fetching): Promise<SealKey> {
    entry.fetching ??= this.#renew(entry, published, fetching).finally(() => (entry.fetching = undefined));
    return entry.fetching;
  }

  async #renew(entry: Entry, published: PublishedKeys, { fetch, clock }: Fetching): Promise<SealKey> {
    const { service, uri } = published;
    try {
      const document = await fetchDocument(fetch, uri, AbortSignal.timeout(TIMEOUT_MS), MAX_BYTES);
      const key = recipientKey(service, document, published);
      const thumbprint = sealKeyThumbprint(key);
      const before = entry.thumbprint ?? thumbprint;
      entry.key = key;
      entry.thumbprint = thumbprint;
      entry.fetchedAt = clock();
      if (before !== thumbprint) this.#onChange?.({ service, before, now: thumbprint });
      return key;
    } catch (error) {
      entry.failedAt = clock();
      entry.detail = isWaybillError(error) ? (error.detail ?? error.message) : undefined;
      throw unavailable(published, entry.detail, error);
    }
  }
}

function unavailable({ service }: PublishedKeys, detail: string | undefined, cause?: unknown): WaybillError {
  return new WaybillError(
    'provider_unavailable',
    `The encryption key of ${service} cannot be fetched at the moment, and its token is not issued unsealed.`,
    { cause, ...(detail === undefined ? {} : { detail }) },
  );
}
