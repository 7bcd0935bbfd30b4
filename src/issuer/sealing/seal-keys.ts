/** The keys to which an issuer seals tokens: one for each service with a sealed call into it. */
import { WaybillError, isWaybillError } from '../../errors.ts';
import { sealedServices, type EncryptionPlan, type Plan, type ServicePlan } from '../../graph/index.ts';
import type { SealKey } from '../../token/index.ts';
import type { FetchedSealKeys } from './fetched-keys.ts';
import type { Fetching } from './fetched-keys.ts';
import { recipientKey, sealKeyThumbprint } from './recipient-key.ts';

/** By the name of the service. */
export type TreeSealKeys = ReadonlyMap<string, SealKey>;

export interface SealKeysOptions extends Fetching {
  readonly plan: Plan;
  /** The parsed key files that the graph names, by the name of the service. */
  readonly encryptionKeys: ReadonlyMap<string, unknown>;
  readonly fetched: FetchedSealKeys;
}

export class SealKeys {
  readonly #options: SealKeysOptions;
  readonly #ofFiles = new Map<string, SealKey>();

  /** @throws WaybillError `keys_missing`, `keys_invalid` for the file of a service */
  constructor(options: SealKeysOptions) {
    this.#options = options;
    const { plan, encryptionKeys } = options;
    for (const { name, encryption } of sealedServices(plan))
      if (encryption && 'file' in encryption.keys)
        this.#ofFiles.set(name, sealKeyOfFile(name, encryption, encryptionKeys.get(name)));
  }

  /**
   * The keys for one tree, at once where they are at hand.
   *
   * @throws WaybillError `provider_unavailable`, perhaps as a rejection
   */
  find(services: readonly ServicePlan[]): TreeSealKeys | Promise<TreeSealKeys> {
    const found = services.map(({ name, encryption }) => [name, this.#keyOf(name, encryption)] as const);
    if (found.every((each): each is [string, SealKey] => !(each[1] instanceof Promise)))
      return new Map(found);
    return Promise.all(found.map(async ([name, key]) => [name, await key] as const)).then(
      (all) => new Map(all),
    );
  }

  #keyOf(service: string, encryption: EncryptionPlan | undefined): SealKey | Promise<SealKey> {
    const known = this.#ofFiles.get(service);
    if (known) return known;
    if (!encryption || !('uri' in encryption.keys)) throw new TypeError(`${service} has no encryption key`);
    const { keys, alg } = encryption;
    return this.#options.fetched.find({ service, uri: keys.uri, alg }, this.#options);
  }
}

/** @returns what `createIssuer` would throw for this service: `keys_missing`, `keys_invalid`. */
export function encryptionKeyFault(
  name: string,
  encryption: EncryptionPlan,
  document: unknown,
): WaybillError | undefined {
  try {
    sealKeyOfFile(name, encryption, document);
    return undefined;
  } catch (error) {
    if (isWaybillError(error)) return error;
    throw error;
  }
}

/** @returns the thumbprint (RFC 7638) of the key that would be used; undefined where none can be. */
export function encryptionKeyThumbprint(
  name: string,
  encryption: EncryptionPlan,
  document: unknown,
): string | undefined {
  if (encryptionKeyFault(name, encryption, document)) return undefined;
  return sealKeyThumbprint(recipientKey(name, document, encryption));
}

/** @param document parsed; undefined where the file could not be read. @throws WaybillError `keys_missing`, `keys_invalid` */
function sealKeyOfFile(name: string, encryption: EncryptionPlan, document: unknown): SealKey {
  if (document !== undefined) return recipientKey(name, document, encryption);
  const file = 'file' in encryption.keys ? encryption.keys.file : '';
  throw new WaybillError('keys_missing', `${name} has no encryption keys: ${file} cannot be read as JSON.`);
}
