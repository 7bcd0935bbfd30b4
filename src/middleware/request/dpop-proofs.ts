/**
 * DPoP proofs at the edge (RFC 9449 section 7): each is for this request, this token, and one time only.
 *
 * Used proofs are remembered in this process alone, as many as are allowed: what a second process, or a flood of other
 * proofs, allows is the same request of the same client once more, within the minute that a proof is valid.
 */

import { LRUCache } from 'lru-cache';

import type { Clock } from '../../clock.ts';
import { WaybillError } from '../../errors.ts';
import { verifyProof, type VerifiedProof } from '../../token/index.ts';
import { addressesOf } from './addresses.ts';
import { linesOf } from './authorization.ts';
import type { IncomingRequest } from './incoming-request.ts';

export type ProofCheck = ReturnType<typeof proofCheck>;

export function proofCheck(clock: Clock, max: number) {
  /** Expiry of each used proof, by its mark. Created with the first proof: lru-cache allocates all its space at once. */
  let used: LRUCache<string, number> | undefined;

  return {
    /**
     * @param token the token with which the proof came.
     * @param bases what stands before the path of a request, for its clients.
     * @throws WaybillError `invalid_dpop_proof`
     */
    async verify(
      { dpop, method = '', url = '' }: IncomingRequest,
      token: string,
      bases: readonly string[],
    ): Promise<VerifiedProof> {
      const addresses = addressesOf(bases, url);
      return verifyProof(linesOf(dpop), { method, addresses, token, now: clock() });
    },
    /**
     * Marks a proof as used: last of all, so that only who holds a good token and its key takes room.
     *
     * @throws WaybillError `invalid_dpop_proof` where it was used before.
     */
    use({ mark, until }: VerifiedProof): void {
      used ??= new LRUCache({ max });
      const known = used.get(mark);
      if (known !== undefined && clock() <= known) {
        throw new WaybillError('invalid_dpop_proof', 'the DPoP proof is not accepted: it was used before');
      }
      used.set(mark, until);
    },
  };
}
