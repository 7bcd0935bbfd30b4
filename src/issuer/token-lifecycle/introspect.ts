/**
 * Introspection (RFC 7662): what a token means, for parties that may know it. For everyone else it is not active; only the
 * log says why.
 */
import { WaybillError, isWaybillError } from '../../errors.ts';
import type { Plan, ServicePlan } from '../../graph/index.ts';
import {
  audiencesOf,
  bindingsOf,
  encodingOf,
  isFirstRoot,
  isReference,
  nestedOf,
  tokenTypeOf,
  type Encoding,
  type VerifiedTree,
} from '../../token/index.ts';
import type { Party } from '../client-authentication/parties.ts';
import { RequestClaimFault, requestClaims, type RequestClaims } from '../grants/request-claims.ts';
import { revive, type Grant } from './grant.ts';
import { encodingFor } from '../grants/encoding.ts';
import type { Issuance } from '../signing/issuance.ts';
import type { OpaqueTokens } from './opaque.ts';
import type { Revocations } from './revocations.ts';

/** `claims`: the claims of the token (RFC 7662); `token`: the access token itself, for a phantom-token swap. */
export type IntrospectionForm = 'claims' | 'token';

export interface IntrospectionRequest {
  readonly token: string;
  /** Default: `claims`. */
  readonly form?: IntrospectionForm | undefined;
  /** The keys that `party` has verified for the presenter. Default: none. */
  readonly verified?: VerifiedKeys | undefined;
  /**
   * For `token`, and a reference: the claims of the request that gateways set (`set_by: gateway`), by name. They are in the
   * tree of this swap alone. Default: none.
   */
  readonly request?: Readonly<Record<string, unknown>> | undefined;
  /** For `token`: how it travels. Default: as it was received; for a reference, as the graph says. */
  readonly encoding?: Encoding | undefined;
}

export type Introspection =
  | { readonly active: false; readonly reason: string }
  | {
      readonly active: true;
      /** For the log. */
      readonly client: string;
      readonly txn: string;
      /** RFC 7662 section 2.2, `active` included; never `embedded`, `on_demand` or `held`. */
      readonly claims?: Readonly<Record<string, unknown>>;
      readonly token?: string;
    };

export interface IntrospectorParts {
  readonly plan: Plan;
  /** Verifies this issuer's own tokens, for any audience. */
  readonly verify: (token: string) => Promise<VerifiedTree>;
  readonly opaque: OpaqueTokens;
  readonly revocations: Revocations;
  readonly clock: () => number;
  readonly issuance: Issuance;
}

/**
 * The keys that the presenter of a token has proven to hold. The party that asks, the edge, is trusted to have verified
 * this. A swap removes the binding to such a key, since the edge presents the token from then on, not the client. A root
 * bound to any other key keeps its binding.
 */
export interface VerifiedKeys {
  /** RFC 9449: the key of the DPoP proof. Only a token bound to this key is active then (section 7.1). */
  readonly jkt?: string | undefined;
  /** RFC 8705: the certificate of the presenter's connection. */
  readonly 'x5t#S256'?: string | undefined;
}

/** What decides who may introspect a token. */
interface Subject {
  readonly client: string;
  readonly audiences: readonly string[];
  readonly isRoot: boolean;
  readonly txn: string;
}

/** Why a party may introspect a token: it is its audience, a gateway before that, or the client that it was issued to. */
type Standing = 'audience' | 'gateway' | 'client';

/** Never in the claims: introspection reveals no child token and no name of one. */
const HIDDEN = ['embedded', 'on_demand', 'held'];
/** The claims that a client sees of a token behind a reference: tailored claims are not for it. */
const COMMON = ['iss', 'aud', 'sub', 'client_id', 'scope', 'iat', 'nbf', 'exp', 'jti', 'txn', 'act', 'cnf'];

export class Introspector {
  readonly #parts: IntrospectorParts;
  readonly #services: ReadonlyMap<string, ServicePlan>;

  constructor(parts: IntrospectorParts) {
    this.#parts = parts;
    this.#services = new Map(
      [...parts.plan.services.values()].flatMap((service) =>
        service.audiences.map((audience) => [audience, service] as const),
      ),
    );
  }

  /**
   * @throws WaybillError `store_unavailable` if the store cannot say whether it was revoked; `invalid_request` for claims of
   *   the request that a gateway cannot set, and for a swap without those that the tree needs
   */
  async introspect(party: Party, request: IntrospectionRequest): Promise<Introspection> {
    const { opaque } = this.#parts;
    const { token } = request;
    requireSwappable(request);
    // Before the token is looked for: what is wrong with the claims says nothing of the token.
    const context = requestClaims(this.#parts.plan, request.request ?? {}, 'gateway');
    try {
      const grant = await opaque.find(token);
      if (!grant && isReference(token))
        throw refused('no such reference: it has expired, was revoked, or is not from this issuer');
      return grant ? await this.#grant(party, grant, request, context) : await this.#jwt(party, request);
    } catch (error) {
      if (!isWaybillError(error) || error.code === 'store_unavailable') throw error;
      if (error instanceof RequestClaimFault && error.setter === 'gateway') throw error;
      return inactive(error.message);
    }
  }

  async #grant(
    party: Party,
    grant: Grant,
    { form, verified, encoding }: IntrospectionRequest,
    context: RequestClaims,
  ): Promise<Introspection> {
    const { plan, clock, issuance } = this.#parts;
    const swap = { encoding, context };
    const resolved = revive(grant, plan, clock(), form === 'token' ? swap : undefined);
    const subject = {
      client: grant.client,
      audiences: resolved.wanted.service.audiences,
      isRoot: true,
      txn: grant.txn,
    };
    const standing = await this.#standing(party, subject);
    if (form === 'token') {
      // The client of an opaque token must not get the token itself.
      if (standing === 'client') throw refused('its client may not swap it');
      const { values } = resolved;
      const unbound = isBoundTo(grant.cnf, verified);
      const { token } = await issuance.sign(
        unbound ? { ...resolved, values: { ...values, cnf: undefined } } : resolved,
      );
      return { active: true, client: subject.client, txn: subject.txn, token };
    }
    // Every swap gets new ids, so the reference has none.
    const claims = { ...(await issuance.describe(resolved)), jti: undefined, iat: grant.iat, exp: grant.exp };
    return this.#answer(party, standing, subject, claims);
  }

  async #jwt(
    party: Party,
    { token: compact, form, verified, encoding }: IntrospectionRequest,
  ): Promise<Introspection> {
    const received = await this.#parts.verify(compact);
    const { claims } = received;
    const subject = {
      client: claims.client_id,
      audiences: audiencesOf(claims),
      isRoot: claims.act === undefined,
      txn: claims.txn,
    };
    const standing = await this.#standing(party, subject);
    if (form === 'token') {
      // Stolen behind an edge, it could otherwise enter through that edge without the key of its client.
      if (standing === 'gateway' && !isFirstRoot(claims))
        throw refused('it is a root that an edge has already swapped');
      // Not for its client, whose key the binding demands.
      const unbound = isBoundTo(bindingsOf(claims), verified) && standing !== 'client';
      const nested = unbound ? await this.#parts.issuance.unbound(claims) : nestedOfToken(received);
      const token = this.#encode(nested, subject, encoding ?? encodingOf(received));
      return { active: true, client: subject.client, txn: subject.txn, token };
    }
    return this.#answer(party, standing, subject, claims);
  }

  /** Keeps the received encoding if the graph no longer has the entry. */
  #encode(nested: string, { audiences }: Subject, asked: Encoding | undefined): string {
    const { plan, issuance } = this.#parts;
    const entry = this.#services.get(audiences[0] ?? '');
    return issuance.encode(nested, entry ? encodingFor(plan, entry, asked) : (asked ?? 'nested'));
  }

  async #standing(party: Party, subject: Subject): Promise<Standing> {
    if (!this.#parts.plan.clients.has(subject.client)) throw refused('its client is gone');
    const standing = standingOf(party, subject);
    if (standing === undefined) throw refused('this party may not introspect it');
    if (await this.#parts.revocations.has(subject.txn)) throw refused('it was revoked');
    return standing;
  }

  #answer(
    party: Party,
    standing: Standing,
    { client, txn }: Subject,
    claims: Readonly<Record<string, unknown>>,
  ): Introspection {
    const holdsIt = party.kind === 'client' && party.client.token === 'jwt';
    const visible = (name: string): boolean =>
      standing === 'client' && !holdsIt ? COMMON.includes(name) : !HIDDEN.includes(name);
    const visibleClaims = Object.entries(claims).filter(
      ([name, value]) => value !== undefined && visible(name),
    );
    return {
      active: true,
      client,
      txn,
      claims: { ...Object.fromEntries(visibleClaims), active: true, token_type: tokenTypeOf(claims['cnf']) },
    };
  }
}

function nestedOfToken({ compact, node }: VerifiedTree): string {
  return node === undefined ? compact : nestedOf(node);
}

/**
 * Whether a token is bound, and only to verified keys.
 *
 * @throws WaybillError for a token that was presented with a DPoP proof and is not bound to its key.
 */
function isBoundTo(cnf: object | undefined, verified: VerifiedKeys = {}): boolean {
  const bindings = new Map<string, unknown>(Object.entries(cnf ?? {}));
  const proven = new Map<string, unknown>(Object.entries(verified));
  if (verified.jkt !== undefined && bindings.get('jkt') !== verified.jkt)
    throw refused('it is not bound to the key of its DPoP proof');
  return (
    bindings.size > 0 &&
    [...bindings].every(([method, key]) => key !== undefined && proven.get(method) === key)
  );
}

function standingOf(party: Party, { client, audiences, isRoot }: Subject): Standing | undefined {
  const { introspect } = party.kind === 'client' ? party.client : party.service;
  if (party.kind === 'service' && party.service.audiences.some((own) => audiences.includes(own)))
    return 'audience';
  if (isRoot && introspect.some((entry) => entry.audiences.includes(audiences[0] ?? ''))) return 'gateway';
  return party.kind === 'client' && party.client.name === client ? 'client' : undefined;
}

/** A token that is no reference was signed with its claims; and a response about a token has no use for more. */
function requireSwappable({ token, form, request = {} }: IntrospectionRequest): void {
  if (Object.keys(request).length === 0 || (form === 'token' && isReference(token))) return;
  throw new RequestClaimFault(
    'gateway',
    'Claims of the request can be set for the swap of an opaque token alone: a reference, with Accept: application/jwt.',
  );
}

/** `introspect` turns it into "not active". */
function refused(reason: string): WaybillError {
  return new WaybillError('invalid_grant', reason);
}

function inactive(reason: string): Introspection {
  return { active: false, reason };
}
