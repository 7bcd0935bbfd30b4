/**
 * Who presents a token: the peer's certificate must be that of the caller which the token expects, so that a token
 * that was lifted from another hop is worthless (threat 1).
 *
 * Asked for every request, after the cache of verified tokens: a token stays the same, its presenter does not.
 */

import type { X509Certificate } from 'node:crypto';

import type { Clock } from '../clock.ts';
import { WaybillError } from '../errors.ts';
import { certificateIdentity, speaksFor } from '../identity/index.ts';
import type { CertificateIdentity } from '../identity/index.ts';
import type { AccessTokenClaims } from '../token/index.ts';

export interface PresenterSettings {
  readonly caller: 'none' | 'mtls';
  readonly unboundRoots: 'refuse' | 'accept';
  readonly clock: Clock;
}

/** The peer's certificate, as the server verified it; absent where there is none. */
export type PeerCertificate = X509Certificate | undefined;

/**
 * - A token with `act` is a child: with `caller: 'mtls'` its presenter must be `act.sub`.
 * - A token with `cnf` is bound: whoever presents it must hold that key, whatever `caller` says (RFC 8705 section 3).
 * - A root with neither can come from anyone: with `caller: 'mtls'` it is refused unless `unboundRoots` lets it in.
 *
 * @throws WaybillError `token_presenter`
 */
export function requirePresenter(
  claims: AccessTokenClaims,
  peer: PeerCertificate,
  { caller, unboundRoots, clock }: PresenterSettings,
): void {
  const { act } = claims;
  const bound = Object.hasOwn(claims, 'cnf');
  if (bound) requireKey(claims['cnf'], identityOf(peer, clock));
  if (caller === 'none') return;
  if (act !== undefined) return requireName(act.sub, identityOf(peer, clock));
  if (bound || unboundRoots === 'accept') return;
  throw mismatch('the token names no caller and is bound to no key, so nobody can show that it is theirs');
}

/** RFC 8693 section 4.1: the outermost `act` alone counts. */
function requireName(expected: string, identity: CertificateIdentity): void {
  if (speaksFor(identity, expected)) return;
  throw mismatch('the certificate of this connection is not that of the caller which the token names', {
    detail: `expected ${expected}, presented by ${describe(identity)}`,
  });
}

/** RFC 8705 section 3.1. A binding of another kind is one that was not checked. */
function requireKey(cnf: unknown, identity: CertificateIdentity): void {
  const expected: unknown =
    typeof cnf === 'object' && cnf !== null && Object.hasOwn(cnf, 'x5t#S256')
      ? (cnf as Record<string, unknown>)['x5t#S256']
      : undefined;
  if (expected === identity.thumbprint) return;
  throw mismatch('the token is bound to another key than that of the certificate of this connection', {
    detail: `presented by ${describe(identity)}`,
  });
}

function identityOf(peer: PeerCertificate, clock: Clock): CertificateIdentity {
  if (peer === undefined) {
    throw mismatch('the token needs the verified certificate of its caller, and this connection has none');
  }
  const identity = certificateIdentity(peer);
  if (identity === undefined) throw mismatch('the certificate of this connection is not that of a caller');
  // A connection may outlive the certificate with which it began.
  if (clock() >= identity.notAfter) throw mismatch('the certificate of this connection has expired');
  return identity;
}

function describe({ spiffeId, names, thumbprint }: CertificateIdentity): string {
  return spiffeId?.uri ?? [...names.uris, ...names.dns, thumbprint].slice(0, 3).join(', ');
}

function mismatch(message: string, options: { readonly detail?: string } = {}): WaybillError {
  return new WaybillError('token_presenter', message, options);
}
