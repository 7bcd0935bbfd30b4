/** Checks that a provider's token speaks for its user, and refuses it otherwise. */
import type { JWTPayload } from 'jose';
import { WaybillError } from '../../errors.ts';
import type { SubjectPlan } from '../../graph/index.ts';

/** An ID token has neither scope nor `client_id`; with one of them it is an access token without its `typ` (threat 8). */
export function checkKind(kind: 'id_token' | 'access_token', claims: JWTPayload): void {
  if (kind === 'id_token' && ('scope' in claims || 'client_id' in claims))
    throw refused('it is an access token without its typ');
  if ('events' in claims || 'token_introspection' in claims)
    throw refused('it is a token for something else');
}

/** The provider must have issued it to this client (OpenID Connect Core section 3.1.3.7; RFC 9068 section 2.2). */
export function checkAuthorizedParty(
  { audience, authorizedParties }: SubjectPlan,
  kind: 'id_token' | 'access_token',
  claims: JWTPayload,
): void {
  if (kind === 'access_token') {
    const party = claims['client_id'] === undefined ? claims['azp'] : claims['client_id'];
    if (authorizedParties.length > 0 && !authorizedParties.some((allowed) => allowed === party))
      throw refused('it was issued to another client');
    return;
  }
  const { azp, aud } = claims;
  if (azp === undefined && [aud].flat().length > 1) throw refused('it has several audiences and no azp');
  const expected = authorizedParties.length > 0 ? authorizedParties : [audience];
  if (!expected.some((party) => party === (azp === undefined ? [aud].flat()[0] : azp)))
    throw refused('it was issued to another client');
}

/**
 * A delegated token says who acts for the user (RFC 8693 section 4.1). A tree would name the user alone, so it is
 * accepted only if the graph says so. `may_act` is another claim: it says who could be given such a token.
 */
export function checkActor({ act, name }: SubjectPlan, claims: JWTPayload): void {
  if (!Object.hasOwn(claims, 'act') || act === 'ignore') return;
  throw refused(
    `it is delegated (it has the claim act), and the tree would name the user alone. Use a token without act, or set \`act: ignore\` for the provider ${name} in the graph`,
  );
}

export function refused(reason: string): WaybillError {
  return new WaybillError('invalid_grant', `The user's token is not accepted: ${reason}.`);
}
