/** Opaque tokens: the client gets a reference, and the store has the grant under its hash until it expires (threat 2). */
import { createHash, randomBytes } from 'node:crypto';
import type { Clock } from '../../clock.ts';
import { WaybillError } from '../../errors.ts';
import { timeToLive, type Store } from '../stores/index.ts';
import { isReference, referenceOf } from '../../token/index.ts';
import type { Grant } from './grant.ts';

/** Below the store's limit of 16 KiB for a value. */
const MAX_GRANT_BYTES = 12 * 1024;

export type OpaqueTokens = ReturnType<typeof opaqueTokens>;

export function opaqueTokens(store: Store, clock: Clock) {
  return {
    /**
     * @returns the reference, which is stored nowhere.
     * @throws WaybillError `invalid_request` if the claims of user and request are too large; `store_unavailable`
     */
    async store(grant: Grant): Promise<string> {
      const text = JSON.stringify(grant);
      if (Buffer.byteLength(text) > MAX_GRANT_BYTES) {
        throw new WaybillError(
          'invalid_request',
          `The claims of this subject and of the request are too large for an opaque token: at most ${MAX_GRANT_BYTES} bytes are stored.`,
        );
      }
      const reference = referenceOf(randomBytes(32));
      const seconds = timeToLive(grant.exp, clock());
      await store.put('token', keyOf(reference), text, seconds, grant.client);
      return reference;
    },
    /**
     * @returns undefined for anything but a valid reference of this issuer.
     * @throws WaybillError `store_unavailable`
     */
    async find(reference: string): Promise<Grant | undefined> {
      if (!isReference(reference)) return undefined;
      const text = await store.get('token', keyOf(reference));
      const grant = text === undefined ? undefined : (JSON.parse(text) as Grant);
      return grant && clock() < grant.exp ? grant : undefined;
    },
    async delete(reference: string): Promise<void> {
      await store.delete('token', keyOf(reference));
    },
  };
}

function keyOf(reference: string): string {
  return createHash('sha256').update(reference).digest('hex');
}
