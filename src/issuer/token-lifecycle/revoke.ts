/** Revocation (RFC 7009): the client of a tree revokes all of it with any of its tokens. */
import { WaybillError, isWaybillError } from '../../errors.ts';
import type { ClientPlan } from '../../graph/index.ts';
import type { TokenVerifier } from '../../token/index.ts';
import type { Party } from '../client-authentication/parties.ts';
import type { OpaqueTokens } from './opaque.ts';
import type { Revocations } from './revocations.ts';

export class Revoker {
  readonly #verify: TokenVerifier;
  readonly #opaque: OpaqueTokens;
  readonly #revocations: Revocations;

  constructor(verify: TokenVerifier, opaque: OpaqueTokens, revocations: Revocations) {
    this.#verify = verify;
    this.#opaque = opaque;
    this.#revocations = revocations;
  }

  /**
   * @returns the revoked transaction; undefined for an unknown or expired token, which is no error (RFC 7009 section 2.2).
   * @throws WaybillError `unauthorized_client` for a token of another client (section 2.1) and for every service;
   *   `store_unavailable`
   */
  async revoke(party: Party, token: string): Promise<string | undefined> {
    if (party.kind === 'service') throw notYours(`${party.service.name} is a service`);
    const grant = await this.#opaque.find(token);
    if (grant) {
      requireOwner(party.client, grant.client);
      // First the revocation: without it, trees that were swapped before would stay valid.
      await this.#revocations.add(grant.txn, grant.exp, grant.client);
      await this.#opaque.delete(token);
      return grant.txn;
    }
    const known = await this.#verify(token).catch((error: unknown) => {
      if (isWaybillError(error)) return undefined;
      throw error;
    });
    if (known === undefined) return undefined;
    requireOwner(party.client, known.claims.client_id);
    const { txn, client_id: client } = known.claims;
    await this.#revocations.add(txn, this.#revocations.endOfTree(known), client);
    return txn;
  }
}

function requireOwner({ name }: ClientPlan, owner: string): void {
  if (name !== owner) throw notYours('this token was issued to another client');
}

function notYours(reason: string): WaybillError {
  return new WaybillError(
    'unauthorized_client',
    `Only the client that a token was issued to may revoke it: ${reason}.`,
  );
}
