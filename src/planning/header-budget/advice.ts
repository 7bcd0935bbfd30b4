/**
 * Advice on the size of a tree: which header limits it passes in either encoding, how much of it would fit, and what would
 * make it smaller. In: the tree of a request, with its largest values. Out: plain data.
 */
import { getOrAdd } from '../../get-or-add.ts';
import {
  isSealedBy,
  keepsLineage,
  valueBytes,
  type Actor,
  type Branch,
  type CallPlan,
  type ClaimPlan,
  type ClientPlan,
  type Encoding,
  type IssuerPlan,
  type ServicePlan,
  type TokenShape,
} from '../../graph/index.ts';
import { FULLY_SPECIFIED_ALGORITHMS } from '../../token/index.ts';
import { firstViolation } from './budget-violation.ts';
import { fits, reserveOf, budgetAt, type HopBudget, type HopBudgets } from './hop-budgets.ts';
import { jsonBytes, signingSize, type Measure, type MeasureOptions, type MeasuredToken } from './measure.ts';
import { MeasuredTree, hopName, type TreeHop } from './measured-tree.ts';
import { COMMON_PROFILES } from './profiles.ts';
import { callsOf, without, type TreeCall } from './tree-calls.ts';
import type { TreePlanner } from './tree-planner.ts';
import { worstCaseOf } from './worst-case.ts';

/** One value for each encoding. Packed sizes are upper bounds. */
export interface PerEncoding<Value> {
  readonly nested: Value;
  readonly packed: Value;
}

/** Bytes of the token on the tightest hop, and whether the whole tree fits. */
export interface SizeAndFit {
  readonly bytes: PerEncoding<number>;
  readonly fits: PerEncoding<boolean>;
}

export interface FitAdvice extends SizeAndFit {
  readonly tokens: number;
  /** The hop whose budget is used most, in the graph's encoding; absent where no hop has a limit. */
  readonly tightest?: { readonly hop: string; readonly limit: number; readonly profile: string };
  readonly profiles: readonly ProfileFit[];
  /** The largest part that fits if every caller can authenticate; null if single tokens are too large. */
  readonly largest: PerEncoding<LargestPart | null>;
  readonly what_if: readonly WhatIf[];
}

export interface ProfileFit {
  readonly profile: string;
  /** Whether a hop of this tree has this profile; else it is checked for the first token. */
  readonly on_path: boolean;
  /** The hop where the tree comes closest to the limit. */
  readonly hop: string;
  /** Bytes of the largest token that passes there. */
  readonly limit: number;
  readonly bytes: PerEncoding<number>;
  readonly passes: PerEncoding<boolean>;
}

export interface LargestPart {
  /** Tokens that stay embedded, the root counted. */
  readonly tokens: number;
  /** Calls that would become exchanges. */
  readonly moved: number;
  /** Expected round trips for them in one request. */
  readonly round_trips: number;
}

export interface WhatIf extends SizeAndFit {
  readonly change: 'exchange' | 'signing' | 'txn' | 'lineage' | 'claims';
  /** One sentence. */
  readonly what: string;
  /** Of an exchange: the expected round trips that it adds. */
  readonly round_trips?: number;
  /** Of an exchange: whether the caller has no `auth` yet. */
  readonly needs_auth?: boolean;
}

export interface AdvisedRequest {
  readonly planner: TreePlanner;
  readonly client: ClientPlan;
  readonly shape: TokenShape;
  /** The calls that lead to it. */
  readonly calls: readonly CallPlan[];
}

/** Most single calls in the advice. */
const MOST_EXCHANGES = 3;
/** 64 random bits as base64url. */
const SHORT_TXN_CHARS = 11;

export function adviseFit(request: AdvisedRequest): FitAdvice {
  return new Advisor(request).advice();
}

class Advisor {
  readonly #request: AdvisedRequest;
  readonly #budgets: HopBudgets;
  readonly #issuer: IssuerPlan;
  readonly #measure: Measure;
  readonly #tree: MeasuredTree;
  readonly #tightest: TreeHop | undefined;

  constructor(request: AdvisedRequest) {
    const { planner, client, shape } = request;
    this.#request = request;
    this.#budgets = planner.budgets;
    this.#issuer = planner.plan.issuer;
    this.#measure = planner.measure(worstCaseOf(client), client.token === 'opaque');
    this.#tree = this.#measured(shape, this.#measure);
    this.#tightest = tightestHop(this.#tree, this.#issuer.encoding, this.#budgets);
  }

  advice(): FitAdvice {
    const hop = this.#tightest;
    const budget = hop && this.#budgets.budgetFor(hop.to, hop.calls);
    return {
      tokens: this.#request.shape.tokens,
      ...(hop && budget?.limit !== undefined
        ? { tightest: { hop: hopName(hop), limit: budget.limit, profile: budget.profile ?? '' } }
        : {}),
      ...this.#sizeAndFit([this.#tree]),
      profiles: [...this.#profilesOnPath(), ...this.#otherProfiles()],
      largest: { nested: this.#largest('nested'), packed: this.#largest('packed') },
      what_if: [
        ...this.#exchanges(),
        ...this.#signings(),
        ...this.#shortTxn(),
        ...this.#fullLineage(),
        ...this.#realClaims(),
      ],
    };
  }

  #measured(shape: TokenShape, measure: Measure): MeasuredTree {
    const { client, calls } = this.#request;
    const root = measure.exact(shape, undefined, isSealedBy(calls));
    return new MeasuredTree(root, { presenter: client.name, calls, measure });
  }

  #fits(tree: MeasuredTree, encoding: Encoding): boolean {
    return !firstViolation(tree, encoding, { budgets: this.#budgets, nested: this.#issuer.limits.nested });
  }

  /** @param trees the tree of the request, whose bytes are returned, and trees that would be fetched. */
  #sizeAndFit(
    trees: readonly [MeasuredTree, ...MeasuredTree[]],
    at = this.#tightest?.path ?? [],
  ): SizeAndFit {
    const all = (encoding: Encoding) => trees.every((tree) => this.#fits(tree, encoding));
    const [tree] = trees;
    const token = tree.hops.find(({ path }) => path.join('\n') === at.join('\n'))?.token ?? tree.root;
    return {
      bytes: { nested: tree.bytes(token, 'nested'), packed: tree.bytes(token, 'packed') },
      fits: { nested: all('nested'), packed: all('packed') },
    };
  }

  /** Each profile of the hops, at the hop where the tree comes closest to its limit. */
  #profilesOnPath(): ProfileFit[] {
    const byProfile = new Map<string, ProfileFit[]>();
    for (const hop of this.#tree.hops) {
      for (const budget of this.#budgets.listBudgets(hop.to, hop.calls)) {
        if (budget.limit === undefined) continue;
        const checked = this.#checkProfile(hop, budget, true);
        getOrAdd(byProfile, checked.profile, () => []).push(checked);
      }
    }
    return Array.from(byProfile.values(), (all) => {
      const share = ({ bytes, limit }: ProfileFit): number => bytes.nested / Math.max(1, limit);
      const worst = all.reduce((most, next) => (share(next) > share(most) ? next : most));
      const passesAll = (encoding: Encoding): boolean => all.every(({ passes }) => passes[encoding]);
      return { ...worst, passes: { nested: passesAll('nested'), packed: passesAll('packed') } };
    });
  }

  /** The most common profiles, as if they stood before the entry. */
  #otherProfiles(): ProfileFit[] {
    const budgets = this.#tree.hops.flatMap(({ to, calls }) => this.#budgets.listBudgets(to, calls));
    const onPath = new Set(budgets.map(({ profile }) => profile));
    const [first] = this.#tree.hops;
    if (!first) return [];
    return COMMON_PROFILES.filter((profile) => !onPath.has(profile)).map((profile) => {
      const hop = { profile, maxLine: undefined, maxTotal: undefined };
      return this.#checkProfile(first, budgetAt(hop, reserveOf(first.to)), false);
    });
  }

  #checkProfile(hop: TreeHop, budget: HopBudget, onPath: boolean): ProfileFit {
    const { token } = hop;
    const bytes = { nested: this.#tree.bytes(token, 'nested'), packed: this.#tree.bytes(token, 'packed') };
    return {
      profile: budget.profile ?? '',
      on_path: onPath,
      hop: hopName(hop),
      limit: budget.limit ?? 0,
      bytes,
      passes: { nested: fits(bytes.nested, budget), packed: fits(bytes.packed, budget) },
    };
  }

  #largest(encoding: Encoding): LargestPart | null {
    const { planner, client, shape, calls } = this.#request;
    if (this.#fits(this.#tree, encoding)) return { tokens: shape.tokens, moved: 0, round_trips: 0 };
    const presenter = client.name;
    const measure = this.#measure;
    const overflow = planner.overflow({ shape, presenter, calls, encoding, measure, anyoneFetches: true });
    if (!overflow) return null;
    return { tokens: overflow.shape.tokens, moved: overflow.moved.length, round_trips: overflow.roundTrips };
  }

  /** The single calls that help most as exchanges: first those that make the tree fit, then by bytes for each round trip. */
  #exchanges(): WhatIf[] {
    const { encoding } = this.#issuer;
    const now = this.#sizeAndFit([this.#tree]).bytes[encoding];
    const saving = ({ bytes, round_trips: trips = 1 }: WhatIf): number =>
      (now - bytes[encoding]) / Math.max(0.01, trips);
    return callsOf(this.#request.shape)
      .map((call) => this.#exchange(call))
      .filter(({ bytes }) => bytes[encoding] < now)
      .sort((a, b) => Number(b.fits[encoding]) - Number(a.fits[encoding]) || saving(b) - saving(a))
      .slice(0, MOST_EXCHANGES);
  }

  #exchange({ path, branch, caller, carried, often }: TreeCall): WhatIf {
    const rest = this.#measured(without(this.#request.shape, path), this.#measure);
    const { name } = caller.service;
    const measure = this.#measure.fetched;
    const { calls } = branch;
    const root = measure.exact(carried, this.#actAt(path)?.act, isSealedBy(calls));
    const fetched = new MeasuredTree(root, { presenter: name, calls, measure });
    return {
      change: 'exchange',
      what: `${name} -> ${branch.callee} fetched when needed`,
      round_trips: often,
      needs_auth: caller.service.auth === undefined,
      ...this.#sizeAndFit([rest, fetched]),
    };
  }

  /** The actors of the token at the end of the path. */
  #actAt(path: readonly Branch[]): Actor | undefined {
    let token: MeasuredToken | undefined = this.#tree.root;
    for (const branch of path) token = token?.children.find((child) => child.branch === branch)?.token;
    return token?.act;
  }

  #signings(): WhatIf[] {
    const { signing } = this.#issuer;
    return FULLY_SPECIFIED_ALGORITHMS.filter((alg) => alg !== signing).map((alg) => ({
      change: 'signing',
      what: `signing: ${alg}`,
      ...this.#withOptions({ signing: signingSize(alg) }),
    }));
  }

  #shortTxn(): WhatIf[] {
    const result = this.#withOptions({ txnChars: SHORT_TXN_CHARS });
    return [{ change: 'txn', what: 'ids of 64 random bits instead of 128', ...result }];
  }

  /** What it would cost that every token names the whole chain of calls. */
  #fullLineage(): WhatIf[] {
    const { plan } = this.#request.planner;
    if (keepsLineage(plan)) return [];
    const isExternal = ({ zone }: ServicePlan) =>
      zone !== undefined && plan.zones.get(zone)?.external === true;
    const result = this.#withOptions({ lineageOf: (service) => (isExternal(service) ? 'caller' : 'full') });
    return [
      { change: 'lineage', what: 'lineage: full, every token with the whole chain of calls', ...result },
    ];
  }

  /** The real size of the client's own claims; those of a user are unknown before a request. */
  #realClaims(): WhatIf[] {
    const { client } = this.#request;
    const { claimBytes } = this.#measure.options;
    const real = (claim: ClaimPlan): number | undefined =>
      client.claims.has(claim.name) ? jsonBytes(client.claims.get(claim.name)) : undefined;
    const larger = new Set(
      this.#tree.hops
        .flatMap(({ token }) => token.shape.claims.map(({ claim }) => claim))
        .filter((claim) => (real(claim) ?? Infinity) < (claimBytes(claim) ?? 0)),
    );
    if (larger.size === 0) return [];
    const what = `max_bytes as it is: ${[...larger].map(({ name }) => `${name} ${valueBytes(client.claims.get(name))}`).join(', ')}`;
    const result = this.#withOptions({
      claimBytes: (claim) => (larger.has(claim) ? real(claim) : claimBytes(claim)),
    });
    return [{ change: 'claims', what, ...result }];
  }

  #withOptions(options: Partial<MeasureOptions>): SizeAndFit {
    return this.#sizeAndFit([this.#measured(this.#request.shape, this.#measure.with(options))]);
  }
}

/** The hop whose budget is used most; of equal ones the first. */
function tightestHop(tree: MeasuredTree, encoding: Encoding, budgets: HopBudgets): TreeHop | undefined {
  let tightest: TreeHop | undefined;
  let most = -1;
  for (const hop of tree.hops) {
    const budget = budgets.budgetFor(hop.to, hop.calls);
    if (budget.limit === undefined) continue;
    const bytes = tree.bytes(hop.token, encoding);
    const share = fits(bytes, budget) || budget.limit > 0 ? bytes / Math.max(1, budget.limit) : Infinity;
    if (share > most) [tightest, most] = [hop, share];
  }
  return tightest;
}
