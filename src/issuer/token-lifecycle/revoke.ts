/** Revocation (RFC 7009): the client of a tree revokes all of it with any of its tokens. */
import { WaybillError, isWaybillError } from '../../errors.ts';
import type { ClientPlan } from '../../graph/index.ts';
import type { TokenVerifier } from '../../token/index.ts';
import type { Party } from '../client-authentication/parties.ts';
import type { OpaqueTokens } from './opaque.ts';
import type { Revocations } from './revocations.ts';

export interface RevocationParts {
  readonly verify: TokenVerifier;
  readonly opaque: OpaqueTokens;
  readonly revocations: Revocations;
}

/**
 * @returns the revoked transaction; undefined for an unknown or expired token, which is no error (RFC 7009 section 2.2).
 * @throws WaybillError `unauthorized_client` for a token of another client (section 2.1) and for every service;
 *   `store_unavailable`
 */
export async function revoke(
  { verify, opaque, revocations }: RevocationParts,
  party: Party,
  token: string,
): Promise<string | undefined> {
  if (party.kind === 'service') throw notYours(`${party.service.name} is a service`);
  const grant = await opaque.find(token);
  if (grant) {
    requireOwner(party.client, grant.client);
    // First the revocation: without it, trees that were swapped before would stay valid.
    await revocations.add(grant.txn, grant.exp, grant.client);
    await opaque.delete(token);
    return grant.txn;
  }
  const known = await verify(token).catch((error: unknown) => {
    if (isWaybillError(error)) return undefined;
    throw error;
  });
  if (known === undefined) return undefined;
  const { txn, client_id: client } = known.claims;
  requireOwner(party.client, client);
  await revocations.add(txn, revocations.endOfTree(known), client);
  return txn;
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
