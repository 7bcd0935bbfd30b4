/** Decides on the requests to a service: the token, who presents it, its scope, and whether it was revoked. */
import { issuerKeys } from '../../discovery/index.ts';
import { WaybillError } from '../../errors.ts';
import { eagerVerifier, openAgain, type VerifiedProof } from '../../token/index.ts';
import type { CachedToken } from '../caching/cached-token.ts';
import { cachedVerifier } from '../caching/verified-cache.ts';
import { decisionsBy, type Decisions } from '../decisions/decisions.ts';
import { ConcurrencyLimit } from '../issuer-calls/concurrency-limit.ts';
import {
  presentedToken,
  refusedToken,
  type AuthorizationHeader,
  type PresentedToken,
} from '../request/authorization.ts';
import { proofCheck, type ProofCheck } from '../request/dpop-proofs.ts';
import type { IncomingRequest } from '../request/incoming-request.ts';
import { requirePresenter } from '../request/presenter.ts';
import { Callees } from './callees.ts';
import { Exchanger } from './exchange.ts';
import { TokenContext, type ContextParts, type RequestContext } from './request-context.ts';
import { lineageOf } from './lineage.ts';
import { RevocationCheck } from './revocation.ts';
import type { Settings } from './settings.ts';
import { UnverifiedContext } from './unverified-context.ts';

/** What a route asks of a token. */
export interface Demands {
  /** All of them. */
  readonly scope: readonly string[];
  /** One of them; absent: any. */
  readonly allowLineage: readonly string[] | undefined;
}

type VerifyToken = (compact: string) => Callees | Promise<Callees>;

export class RequestVerifier {
  readonly #settings: Settings;
  readonly #verifyToken: VerifyToken;
  readonly #proofs: ProofCheck;
  readonly #revocation: RevocationCheck | undefined;
  readonly #decisions: Decisions;
  readonly #parts: ContextParts;

  constructor(settings: Settings) {
    const { authenticate, clock, cachedProofs, inbound, unpacked } = settings;
    const client = authenticate && { authenticate, connections: new ConcurrencyLimit(settings.connections) };
    const bounds = { maxBytes: inbound, unpack: { maxNestedBytes: unpacked } };
    this.#settings = settings;
    this.#verifyToken = tokenVerifierFor(settings);
    this.#proofs = proofCheck(clock, cachedProofs);
    this.#revocation =
      settings.revocation === 'introspect' && client ? new RevocationCheck(settings, client) : undefined;
    this.#decisions = decisionsBy('service', settings, bounds);
    this.#parts = {
      settings,
      exchanger: client && new Exchanger(settings, client),
      calls: decisionsBy('call', settings, bounds),
    };
  }

  /**
   * Every adapter comes through here, so `mode` and `onDecision` hold for all of them.
   *
   * @throws WaybillError the refusal; with mode `report` the context says it instead.
   */
  async verify(received: IncomingRequest, demands: Demands): Promise<RequestContext> {
    const { audience } = this.#settings;
    const { scope } = demands;
    let presented: PresentedToken | undefined;
    let token: CachedToken | undefined;
    try {
      presented = presentedToken(received.authorization, this.#settings);
      // Each async function on the way costs every request a promise: so this one alone waits, and only for what is not at hand.
      const found = this.#verifyToken(presented.token);
      const callees = found instanceof Promise ? await found : found;
      token = callees.token;
      const proof = presented.scheme === 'DPoP' ? await this.#verifyProof(received, presented) : undefined;
      this.#requireAdmissible(token, presented, received, demands, proof);
      if (this.#revocation !== undefined) await this.#revocation.check(token);
      this.#decisions.accepted?.({ audience, scope, claims: token.claims });
      return new TokenContext(callees, this.#parts);
    } catch (error) {
      const subject = { audience, scope, claims: token?.claims, presented: presented?.token };
      const refusal = presented === undefined ? error : refusedToken(presented, error);
      const refused = this.#decisions.refused(refusal, subject);
      return new UnverifiedContext(refused, subject, this.#settings, this.#parts.calls);
    }
  }

  /** The context of a request that was accepted before: its token is verified again, and whether it was revoked. */
  async resume(authorization: AuthorizationHeader): Promise<RequestContext> {
    const presented = presentedToken(authorization, this.#settings);
    let callees: Callees;
    try {
      callees = await this.#verifyToken(presented.token);
    } catch (error) {
      throw refusedToken(presented, error);
    }
    if (this.#revocation !== undefined) await this.#revocation.check(callees.token);
    return new TokenContext(callees, this.#parts);
  }

  #verifyProof(received: IncomingRequest, { token }: PresentedToken): Promise<VerifiedProof> {
    return this.#proofs.verify(received, token, this.#settings.addresses);
  }

  /** Who presents the token, its scope, and through whom it came. */
  #requireAdmissible(
    token: CachedToken,
    { scheme }: PresentedToken,
    { certificate }: IncomingRequest,
    { scope, allowLineage }: Demands,
    proof: VerifiedProof | undefined,
  ): void {
    requirePresenter(token.claims, { scheme, jkt: proof?.jkt, certificate }, this.#settings);
    if (proof !== undefined) this.#proofs.use(proof);
    requireScope(token, scope);
    if (allowLineage !== undefined) requireLineage(token, allowLineage);
  }
}

/** Verifies a token, and finds those that it carries. */
function tokenVerifierFor(settings: Settings): VerifyToken {
  const { issuer, audiences, clock, clockTolerance, inbound, unpacked, cachedTokens, keysMaxAge } = settings;
  const keys = issuerKeys({ ...settings, fetch: settings.issuerFetch });
  const bounds = { maxBytes: inbound, unpack: { maxNestedBytes: unpacked } };
  const { unseal, requireSeal } = settings;
  const sealing = { unseal, requireSeal };
  const verify = eagerVerifier({
    issuer,
    audience: audiences,
    keys,
    clock,
    clockTolerance,
    ...bounds,
    ...sealing,
  });
  const options = { audiences, open: (compact: string) => openAgain(compact, bounds) };
  return cachedVerifier(verify, (kept, verified) => new Callees(kept, verified, options), {
    tokens: cachedTokens,
    maxAge: keysMaxAge,
    clock,
  });
}

function requireScope(token: CachedToken, scope: readonly string[]): void {
  if (scope.length === 0) return;
  const lacking = scope.filter((name) => !token.scopes.includes(name));
  if (lacking.length > 0) {
    throw new WaybillError('scope_insufficient', `the token lacks the scope ${lacking.join(' ')}`);
  }
}

function requireLineage({ claims }: CachedToken, allowed: readonly string[]): void {
  const { actors, complete } = lineageOf(claims);
  if (complete && actors.some((actor) => allowed.includes(actor))) return;
  const why = complete
    ? 'none of the parties that are allowed to lead here'
    : 'not every party that led here';
  throw new WaybillError('lineage_not_allowed', `the token names ${why}`);
}
