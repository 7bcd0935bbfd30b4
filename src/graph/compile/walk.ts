/**
 * The walk: from a service and a set of its scopes to the shape of its token and of every token below (rules 2 to 4).
 * A shape depends on the caller's name, the service and the scopes alone, so that equal subtrees are one object:
 * a tree of a million tokens over a small graph has a small shape.
 */
import { WaybillError } from '../../errors.ts';
import { getOrAdd } from '../../get-or-add.ts';
import type { Actor } from '../../protocol.ts';
import type { Decision } from '../conditions/decision.ts';
import type { CallPlan, ClaimNeed, ScopePlan, ServicePlan } from './plan.ts';

/** One token and what stands below it. Shared wherever the same token would be issued. */
export interface TokenShape extends TokenBody {
  /** The expected presenter, the outermost `act`; absent on a root. Who acted before it depends on the way to the token. */
  readonly actor: Actor | undefined;
  /** One object for all tokens that differ in their presenter alone. */
  readonly body: TokenBody;
}

/** A token, whoever presents it. */
export interface TokenBody {
  readonly service: ServicePlan;
  /** In the order of declaration. */
  readonly scopes: readonly ScopePlan[];
  /** The `scope` claim: the service's own scopes, then those of callees that take this token forwarded. */
  readonly scope: string;
  /** The `aud` claim: a list only where its service has several audiences, or a callee takes this token forwarded. */
  readonly audience: string | readonly string[];
  readonly claims: readonly ClaimNeed[];
  /** Seconds: the shortest that its service and its scopes allow; Infinity where none says anything. */
  readonly lifetime: number;
  /** One for each callee, in the order of declaration. */
  readonly branches: readonly Branch[];
  /** Tokens of the tree from here down, this one counted. */
  readonly tokens: number;
  /** Levels from here down, this one counted. */
  readonly depth: number;
}

/** What a token's holder does about one callee: the calls of all its scopes, merged. */
export interface Branch {
  readonly callee: string;
  readonly service: ServicePlan | undefined;
  readonly mode: CallPlan['mode'];
  /** Whether whoever carries the callee's token cannot read it. */
  readonly seal: boolean;
  readonly scopes: readonly ScopePlan[];
  readonly probability: number;
  readonly calls: readonly CallPlan[];
  /** The callee's token; present where `mode` is `embed`. */
  readonly shape: TokenShape | undefined;
}

const TANGLED =
  'merge scopes in too many ways, or nest tokens too deep, to list the tokens of this tree. Give a call on the way `mode: exchange`; `waybill check` says more.';

/** Thrown where a graph has too many different tokens to plan, or a tree is too deep. */
export class TooManyShapes extends WaybillError<'graph_invalid'> {
  /** The service whose token is one too many. */
  readonly service: ServicePlan;

  constructor(service: ServicePlan) {
    super('graph_invalid', `The calls that lead to ${service.name} ${TANGLED}`);
    this.service = service;
  }
}

const MAX_SHAPES = 250_000;
/** No issued tree has more than 64 levels; of a graph that is in error the walk may be asked for deeper ones. */
export const MAX_WALKED_LEVELS = 512;

/** A token that reads as its body does: there are as many of these as calls, and few bodies. */
class PresentedToken implements TokenShape {
  readonly body: TokenBody;
  readonly actor: Actor | undefined;

  constructor(body: TokenBody, actor: Actor | undefined) {
    this.body = body;
    this.actor = actor;
  }

  get service() {
    return this.body.service;
  }
  get scopes() {
    return this.body.scopes;
  }
  get scope() {
    return this.body.scope;
  }
  get audience() {
    return this.body.audience;
  }
  get claims() {
    return this.body.claims;
  }
  get lifetime() {
    return this.body.lifetime;
  }
  get branches() {
    return this.body.branches;
  }
  get tokens() {
    return this.body.tokens;
  }
  get depth() {
    return this.body.depth;
  }
}

/** A token as one service presents it, made for a look and not kept. */
export function presentedBy(caller: ServicePlan, body: TokenBody): TokenShape {
  return new PresentedToken(body, caller.actor);
}

/** The same token with other branches: what `on_demand` and `embedded` say of its callees. */
export function withBranches(shape: TokenShape, branches: readonly Branch[]): TokenShape {
  const { service, scopes, scope, audience, claims, lifetime } = shape.body;
  const body = { service, scopes, scope, audience, claims, lifetime, branches, ...sizeOf(branches) };
  return new PresentedToken(Object.freeze(body), shape.actor);
}

/** Tokens and levels from a token down, itself counted. */
function sizeOf(branches: readonly Branch[]): Pick<TokenBody, 'tokens' | 'depth'> {
  let tokens = 1;
  let depth = 0;
  for (const { shape } of branches) {
    tokens += shape?.tokens ?? 0;
    depth = Math.max(depth, shape?.depth ?? 0);
  }
  return { tokens, depth: depth + 1 };
}

interface KnownBody {
  readonly body: TokenBody;
  /** By presenter; made when the first presents it, for what is fetched by exchange has none. */
  presented?: Map<ServicePlan | undefined, TokenShape>;
}

export class Walk {
  readonly #ofOneScope = new Map<ScopePlan, KnownBody>();
  readonly #ofScopes = new Map<string, KnownBody>();
  #count = 0;
  /** Of tokens that are being made, each inside the one before. */
  #levels = 0;
  readonly #decision: Decision | undefined;

  /** @param decision of the conditions of one request. Absent: all are taken to hold, as the worst case. */
  constructor(decision?: Decision) {
    this.#decision = decision;
  }

  /** How many bodies and shapes it holds. */
  get size(): number {
    return this.#count;
  }

  /** @param caller who presents the token; absent for a root. */
  shape(service: ServicePlan, scopes: readonly ScopePlan[], caller?: ServicePlan): TokenShape {
    const known = this.#known(service, scopes);
    known.presented ??= new Map();
    let shape = known.presented.get(caller);
    if (!shape) {
      if (++this.#count > MAX_SHAPES) throw new TooManyShapes(service);
      shape = new PresentedToken(known.body, caller?.actor);
      known.presented.set(caller, shape);
    }
    return shape;
  }

  body(service: ServicePlan, scopes: readonly ScopePlan[]): TokenBody {
    return this.#known(service, scopes).body;
  }

  /** The token that a call on demand fetches; nothing for other calls. */
  fetched({ mode, service, scopes }: Branch): TokenBody | undefined {
    return mode === 'exchange' && service ? this.body(service, scopes) : undefined;
  }

  #known(service: ServicePlan, scopes: readonly ScopePlan[]): KnownBody {
    const [only] = scopes;
    if (only && scopes.length === 1) {
      let known = this.#ofOneScope.get(only);
      if (!known) this.#ofOneScope.set(only, (known = this.#make(service, scopes)));
      return known;
    }
    const key = `${service.name}:${scopes.map((scope) => scope.index).join()}`;
    return getOrAdd(this.#ofScopes, key, () => this.#make(service, scopes));
  }

  #make(service: ServicePlan, scopes: readonly ScopePlan[]): KnownBody {
    if (++this.#count > MAX_SHAPES || this.#levels >= MAX_WALKED_LEVELS) throw new TooManyShapes(service);
    this.#levels++;
    try {
      return { body: this.#build(service, scopes) };
    } finally {
      this.#levels--;
    }
  }

  #build(service: ServicePlan, scopes: readonly ScopePlan[]): TokenBody {
    const branches = mergeCalls([service.calls, ...scopes.map((scope) => scope.calls)], {
      embed: (callee, granted) => this.shape(callee, granted, service),
      decision: this.#decision,
    });
    const forwards = branches.filter((branch) => branch.mode === 'forward');
    const named =
      forwards.length === 0 ? scopes : [...scopes, ...forwards.flatMap((branch) => branch.scopes)];
    return Object.freeze({
      service,
      scopes,
      scope: named.map((scope) => scope.name).join(' '),
      audience:
        forwards.length === 0
          ? audienceOf(service)
          : [service.audience, ...forwards.flatMap((branch) => branch.service?.audience ?? [])],
      claims: mergeClaims(service, scopes),
      lifetime: shortest(service, [scopes, ...forwards.map((branch) => branch.scopes)].flat()),
      branches,
      ...sizeOf(branches),
    });
  }
}

/** The audiences of a service as `aud` and `on_demand` name them: one as a text, several as a list. */
export function audienceOf({ audience, audiences }: ServicePlan): string | readonly string[] {
  return audiences.length === 1 ? audience : audiences;
}

/**
 * Visits each different token once, however often it is issued, so that cycles over exchanges end. Depth first; of the
 * tokens below one, the last comes first.
 *
 * @param below the tokens that one leads to. Default: those that it embeds.
 * @param seen tokens to leave out; each visited token is added.
 */
export function* reachableTokens(
  roots: Iterable<TokenBody>,
  below: (token: TokenBody) => Iterable<TokenBody> = embeddedIn,
  seen = new Set<TokenBody>(),
): Generator<TokenBody> {
  const waiting = [...roots];
  for (let token = waiting.pop(); token; token = waiting.pop()) {
    if (seen.has(token)) continue;
    seen.add(token);
    yield token;
    waiting.push(...below(token));
  }
}

function embeddedIn({ branches }: TokenBody): TokenBody[] {
  return branches.flatMap(({ shape }) => shape?.body ?? []);
}

/** @param fetched the token that a call on demand fetches. */
export function embeddedOrFetched(
  fetched: (branch: Branch) => TokenBody | undefined,
): (token: TokenBody) => TokenBody[] {
  return ({ branches }) => branches.flatMap((branch) => branch.shape?.body ?? fetched(branch) ?? []);
}

/**
 * Rule 2: one token for each callee, with the union of the scopes that the calls name.
 *
 * @param embed makes the token that an embedded call brings; without it branches have no shape.
 * @param decision scopes whose conditions do not hold are left out, and calls without scopes. Absent: none are.
 */
export function mergeCalls(
  declared: readonly (readonly CallPlan[])[],
  { embed, decision }: MergeOptions = {},
): Branch[] {
  const lists = decision ? declared.map((calls) => calls.filter((call) => isMade(call, decision))) : declared;
  const branchOf = (calls: CallsOfCallee): Branch => {
    const [{ callee, service, mode, seal }] = calls; // rule 9: they agree
    const scopes = unionOfScopes(calls, decision);
    const shape = mode === 'embed' && service ? embed?.(service, scopes) : undefined;
    const probability = calls.reduce((largest, call) => Math.max(largest, call.probability), 0);
    return { callee, service, mode, seal, scopes, probability, calls, shape };
  };
  const [first = [], ...others] = lists.filter((list) => list.length > 0);
  if (others.length === 0) return first.map((call) => branchOf([call])); // one list names each callee once
  const byCallee = new Map<string, CallsOfCallee>();
  for (const list of [first, ...others]) {
    for (const call of list) {
      const calls = byCallee.get(call.callee);
      if (calls) calls.push(call);
      else byCallee.set(call.callee, [call]);
    }
  }
  return Array.from(byCallee.values(), branchOf);
}

interface MergeOptions {
  readonly embed?: (service: ServicePlan, scopes: readonly ScopePlan[]) => TokenShape;
  readonly decision?: Decision | undefined;
}

type CallsOfCallee = [CallPlan, ...CallPlan[]];

function isMade(call: CallPlan, decision: Decision): boolean {
  return call.mode === 'none' || call.scopes.some((scope) => decision.allows(call, scope));
}

function unionOfScopes(calls: readonly CallPlan[], decision: Decision | undefined): readonly ScopePlan[] {
  if (calls.length === 1 && calls[0]!.scopes.length <= 1) return calls[0]!.scopes;
  const scopesOf = (call: CallPlan) =>
    decision ? call.scopes.filter((scope) => decision.allows(call, scope)) : call.scopes;
  return sortByDeclaration(new Set(calls.flatMap(scopesOf)));
}

/** Scopes of one service in the order of their declaration. */
export function sortByDeclaration(scopes: Iterable<ScopePlan>): readonly ScopePlan[] {
  return [...scopes].sort((a, b) => a.index - b.index);
}

function shortest(service: ServicePlan, scopes: readonly ScopePlan[]): number {
  let lifetime = service.lifetime ?? Infinity;
  for (const scope of scopes) lifetime = Math.min(lifetime, scope.lifetime ?? Infinity);
  return lifetime;
}

/** Rule 3: the claims that the service and these scopes name, and nothing else. */
function mergeClaims(service: ServicePlan, scopes: readonly ScopePlan[]): readonly ClaimNeed[] {
  let all = service.claims;
  for (const { claims } of scopes)
    if (claims.length > 0) all = all.length === 0 ? claims : [...all, ...claims];
  if (all.length <= 1) return all;
  const needs = new Map<string, ClaimNeed>();
  for (const need of all) {
    const earlier = needs.get(need.claim.name);
    needs.set(need.claim.name, {
      claim: need.claim,
      required: need.required || (earlier?.required ?? false),
      at: earlier?.at ?? need.at,
    });
  }
  return [...needs.values()].sort((a, b) => a.claim.index - b.claim.index);
}
