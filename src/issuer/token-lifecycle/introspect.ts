/**
 * Introspection (RFC 7662): what a token means, for those who may know. To everyone else it is not active, and why is
 * for the log alone.
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
  type TokenVerifier,
  type VerifiedToken,
} from '../../token/index.ts';
import type { Party } from '../client-authentication/parties.ts';
import { revive, type Grant } from './grant.ts';
import { encodingFor } from '../grants/encoding.ts';
import type { Issuance } from '../signing/issuance.ts';
import type { OpaqueTokens } from './opaque.ts';
import type { Revocations } from './revocations.ts';

/** `claims`: what RFC 7662 says of a token; `token`: the access token itself, which a phantom-token swap asks for. */
export type IntrospectionForm = 'claims' | 'token';

export interface IntrospectionRequest {
  readonly token: string;
  /** Default: `claims`. */
  readonly form?: IntrospectionForm | undefined;
  /** For `token`: the keys that the presenter has proven to `party`. Default: none. */
  readonly verified?: VerifiedKeys | undefined;
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
  readonly verify: TokenVerifier;
  readonly opaque: OpaqueTokens;
  readonly revocations: Revocations;
  readonly clock: () => number;
  readonly issuance: Issuance;
}

/**
 * Of which keys the presenter of a token has shown to the party that asks that it holds them. That party is trusted to
 * have looked: it is the edge. A root bound to one of these comes without its binding, since who presents it from here
 * on is the edge and not the client; any other comes as it is, so that it is worthless where nobody has looked.
 */
export interface VerifiedKeys {
  /** RFC 9449: it came with the scheme DPoP and a proof by this key. Nothing else is active for it (section 7.1). */
  readonly jkt?: string | undefined;
  /** RFC 8705: the certificate of the connection that it came over. */
  readonly 'x5t#S256'?: string | undefined;
}

/** What decides who may know of a token. */
interface Subject {
  readonly client: string;
  readonly audiences: readonly string[];
  readonly isRoot: boolean;
  readonly txn: string;
}

/** As what a party may read a token; a client may read what was issued to it. */
type Standing = 'audience' | 'gateway' | 'client';

/** Left out of what RFC 7662 says: whoever introspects gets no token and no name of one. */
const HIDDEN = ['embedded', 'on_demand', 'held'];
/** All that a client learns of a token that it does not hold itself: what the graph tailors is not for it. */
const COMMON = ['iss', 'aud', 'sub', 'client_id', 'scope', 'iat', 'nbf', 'exp', 'jti', 'txn', 'act', 'cnf'];

export class Introspector {
  readonly #parts: IntrospectorParts;
  readonly #services: ReadonlyMap<string, ServicePlan>;

  constructor(parts: IntrospectorParts) {
    this.#parts = parts;
    this.#services = new Map([...parts.plan.services.values()].map((service) => [service.audience, service]));
  }

  /** @throws WaybillError `store_unavailable` where nobody can say whether it was revoked */
  async introspect(party: Party, request: IntrospectionRequest): Promise<Introspection> {
    const { opaque } = this.#parts;
    const { token } = request;
    try {
      const grant = await opaque.find(token);
      if (!grant && isReference(token))
        throw foreign('no such reference: it ended, was revoked, or is not ours');
      return grant ? await this.#grant(party, grant, request) : await this.#jwt(party, request);
    } catch (error) {
      if (!isWaybillError(error) || error.code === 'store_unavailable') throw error;
      return inactive(error.message);
    }
  }

  async #grant(
    party: Party,
    grant: Grant,
    { form, verified, encoding }: IntrospectionRequest,
  ): Promise<Introspection> {
    const { plan, clock, issuance } = this.#parts;
    const resolved = revive(grant, plan, clock(), encoding);
    const subject = {
      client: grant.client,
      audiences: [resolved.wanted.service.audience],
      isRoot: true,
      txn: grant.txn,
    };
    const standing = await this.#standing(party, subject);
    if (form === 'token') {
      // Who asked for an opaque token is not to have the token itself.
      if (standing === 'client') throw foreign('its client does not swap it');
      const { values } = resolved;
      const unbound = isBoundTo(grant.cnf, verified);
      const { token } = await issuance.sign(
        unbound ? { ...resolved, values: { ...values, cnf: undefined } } : resolved,
      );
      return { active: true, client: subject.client, txn: subject.txn, token };
    }
    // Every swap has ids of its own: the reference has none.
    const claims = { ...issuance.describe(resolved), jti: undefined, iat: grant.iat, exp: grant.exp };
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
      // Lifted from behind an edge, it would come in through that edge without the key of its client.
      if (standing === 'gateway' && !isFirstRoot(claims)) throw foreign('it is a root for behind the edge');
      // Its client has no say in this: it is the one whose key is asked for.
      const unbound = isBoundTo(bindingsOf(claims), verified) && standing !== 'client';
      const nested = unbound ? await this.#parts.issuance.unbound(claims) : nestedOfToken(received);
      const token = this.#encode(nested, subject, encoding ?? encodingOf(received));
      return { active: true, client: subject.client, txn: subject.txn, token };
    }
    return this.#answer(party, standing, subject, claims);
  }

  /** For an entry that the graph no longer has, as it came. */
  #encode(nested: string, { audiences }: Subject, asked: Encoding | undefined): string {
    const { plan, issuance } = this.#parts;
    const entry = this.#services.get(audiences[0] ?? '');
    return issuance.encode(nested, entry ? encodingFor(plan, entry, asked) : (asked ?? 'nested'));
  }

  async #standing(party: Party, subject: Subject): Promise<Standing> {
    if (!this.#parts.plan.clients.has(subject.client)) throw foreign('its client is gone');
    const standing = standingOf(party, subject);
    if (standing === undefined) throw foreign('it is not for this party to know');
    if (await this.#parts.revocations.has(subject.txn)) throw foreign('it was revoked');
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
    const told = Object.entries(claims).filter(([name, value]) => value !== undefined && visible(name));
    return {
      active: true,
      client,
      txn,
      claims: { ...Object.fromEntries(told), active: true, token_type: tokenTypeOf(claims['cnf']) },
    };
  }
}

function nestedOfToken({ compact, node }: VerifiedToken): string {
  return node === undefined ? compact : nestedOf(node);
}

/**
 * Whether a token is bound, and to nothing but keys that were shown.
 *
 * @throws WaybillError for a token that came with the scheme DPoP and is not bound to the key of its proof.
 */
function isBoundTo(cnf: object | undefined, verified: VerifiedKeys = {}): boolean {
  const bindings = new Map<string, unknown>(Object.entries(cnf ?? {}));
  const shown = new Map<string, unknown>(Object.entries(verified));
  if (verified.jkt !== undefined && bindings.get('jkt') !== verified.jkt)
    throw foreign('it is not bound to the key of the DPoP proof with which it came');
  return (
    bindings.size > 0 &&
    [...bindings].every(([method, key]) => key !== undefined && shown.get(method) === key)
  );
}

function standingOf(party: Party, { client, audiences, isRoot }: Subject): Standing | undefined {
  const { introspect } = party.kind === 'client' ? party.client : party.service;
  if (party.kind === 'service' && audiences.includes(party.service.audience)) return 'audience';
  if (isRoot && introspect.some(({ audience }) => audience === audiences[0])) return 'gateway';
  return party.kind === 'client' && party.client.name === client ? 'client' : undefined;
}

/** Turned into "not active" above. */
function foreign(reason: string): WaybillError {
  return new WaybillError('invalid_grant', reason);
}

function inactive(reason: string): Introspection {
  return { active: false, reason };
}
