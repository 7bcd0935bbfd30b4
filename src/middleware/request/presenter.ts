/**
 * Who presents a token: the peer's certificate must be that of the caller which the token expects, and who presents a
 * bound root must hold its key, so that a token stolen at another hop is useless (threats 1 and 2).
 *
 * Asked for every request, after the cache of verified tokens: a token stays the same, its presenter does not.
 */

import type { Clock } from '../../clock.ts';
import { WaybillError } from '../../errors.ts';
import {
  certificateIdentity,
  speaksFor,
  type CertificateIdentity,
  type PresentedPeer,
} from '../../identity/index.ts';
import {
  bindingsOf,
  identitiesOf,
  type AccessTokenClaims,
  type JsonObject,
  type TokenType,
} from '../../token/index.ts';
import { challengedWithDpop } from './challenge.ts';

export interface PresenterSettings {
  readonly caller: 'none' | 'mtls';
  readonly unboundRoots: 'refuse' | 'accept';
  /** Names of the gateways that present roots for their clients. */
  readonly gateways: readonly string[];
  readonly clock: Clock;
}

/** What a request shows of who presents its token. */
export interface Presenter {
  readonly scheme: TokenType;
  /** The key of a verified DPoP proof for this request and this token; undefined without a proof. */
  readonly jkt: string | undefined;
  /** The certificate of the connection, or what a proxy says of it; undefined if there is none. */
  readonly certificate: PresentedPeer | undefined;
}

/**
 * - A token with `act` is a child: with `caller: 'mtls'` its presenter must be `act.sub`, or one of `act.also`.
 * - A token with `cnf` is bound: whoever presents it must hold that key, whatever `caller` says.
 * - A root with neither can come from anyone: with `caller: 'mtls'` it is refused, unless a gateway presents it, which
 *   has seen who its client is, or `unboundRoots` accepts it.
 *
 * @throws WaybillError `token_presenter`
 */
export function requirePresenter(
  claims: AccessTokenClaims,
  presenter: Presenter,
  { caller, unboundRoots, gateways, clock }: PresenterSettings,
): void {
  const { act } = claims;
  requireKeys(claims, presenter, clock);
  if (caller === 'none') return;
  const { certificate } = presenter;
  if (act !== undefined) return requireName(identitiesOf(act), verifiedNames(certificate, clock));
  if (bindingsOf(claims) !== undefined || unboundRoots === 'accept') return;
  if (gateways.length === 0)
    throw mismatch('the token names no caller and is bound to no key, so its presenter cannot be checked');
  const identity = verifiedNames(certificate, clock);
  if (gateways.some((name) => speaksFor(identity, name))) return;
  throw mismatch('the token names no caller and is bound to no key, and no gateway presents it', {
    detail: `presented by ${describe(identity)}`,
  });
}

/**
 * Every binding of the token must hold (RFC 8705 section 3, RFC 9449 section 7.1), and the scheme must be that of the
 * binding: accepting a bound token as a bearer token would drop the binding (RFC 9449 section 7.2).
 *
 * @throws WaybillError `token_presenter`
 */
export function requireKeys(claims: AccessTokenClaims, presenter: Presenter, clock: Clock): void {
  const bindings = bindingsOf(claims);
  const isOfDpop = bindings !== undefined && Object.hasOwn(bindings, 'jkt');
  if (presenter.scheme === 'DPoP' && !isOfDpop)
    throw mismatch('the token is not bound to a DPoP key, so its scheme must be Bearer');
  if (bindings === undefined) return;
  const methods = Object.keys(bindings);
  if (methods.length === 0 || methods.some((method) => method !== 'jkt' && method !== 'x5t#S256'))
    throw mismatch('the token has a binding (cnf) that is not supported here');
  if (isOfDpop) requireProofKey(bindings, presenter);
  if (Object.hasOwn(bindings, 'x5t#S256')) requireCertificate(bindings, presenter, clock);
}

/** Names of a certificate, or those that a proxy read in it. */
type VerifiedNames = Pick<CertificateIdentity, 'names'> & Partial<Pick<CertificateIdentity, 'thumbprint'>>;

/** RFC 8693 section 4.1: the outermost `act` alone counts. */
function requireName(expected: readonly string[], identity: VerifiedNames): void {
  if (expected.some((name) => speaksFor(identity, name))) return;
  throw mismatch('the certificate of this connection is not that of the caller which the token names', {
    detail: `expected ${expected.join(' or ')}, presented by ${describe(identity)}`,
  });
}

/** RFC 9449 section 4.3, step 12, its second half. */
function requireProofKey({ jkt: expected }: JsonObject, { scheme, jkt }: Presenter): void {
  if (scheme === 'DPoP' && jkt !== undefined && expected === jkt) return;
  throw challengedWithDpop(
    mismatch(
      jkt === undefined
        ? 'the token is bound to a DPoP key: send it with the scheme DPoP and a proof'
        : 'the token is bound to another key than that of the DPoP proof',
    ),
  );
}

/** RFC 8705 section 3.1. The chain does not matter: the handshake has proved possession of the key (section 6.2). */
function requireCertificate(
  { 'x5t#S256': expected }: JsonObject,
  { certificate }: Presenter,
  clock: Clock,
): void {
  const identity = identityOf(certificate, clock);
  if (expected === identity.thumbprint) return;
  throw mismatch('the token is bound to another key than that of the certificate of this connection', {
    detail: `presented by ${describe(identity)}`,
  });
}

/** A name counts only where an authority of the server, or a proxy, vouches for it. */
function verifiedNames(presented: PresentedPeer | undefined, clock: Clock): VerifiedNames {
  if (presented !== undefined && 'names' in presented) return presented;
  return identityOf(presented?.verified === true ? presented : undefined, clock);
}

function identityOf(presented: PresentedPeer | undefined, clock: Clock): CertificateIdentity {
  if (presented !== undefined && 'names' in presented)
    throw mismatch('the token is bound to a certificate, and the proxy passes on its names alone');
  if (presented === undefined) {
    throw mismatch('the token needs the verified certificate of its caller, and this connection has none');
  }
  const identity = certificateIdentity(presented.certificate);
  if (identity === undefined) throw mismatch('the certificate of this connection is not that of a caller');
  // A connection may outlive the certificate with which it began.
  if (clock() >= identity.notAfter) throw mismatch('the certificate of this connection has expired');
  return identity;
}

/** The thumbprint of the client certificate, for the issuer to check; undefined without a valid one. */
export function presentedThumbprint(presented: PresentedPeer | undefined, clock: Clock): string | undefined {
  if (presented === undefined || 'names' in presented) return undefined;
  const identity = certificateIdentity(presented.certificate);
  return identity && clock() < identity.notAfter ? identity.thumbprint : undefined;
}

function describe({ names, thumbprint = 'no name' }: VerifiedNames): string {
  return [...names.uris, ...names.dns, thumbprint].slice(0, 3).join(', ');
}

function mismatch(message: string, options: { readonly detail?: string } = {}): WaybillError {
  return new WaybillError('token_presenter', message, options);
}
