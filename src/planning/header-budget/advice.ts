/**
 * What an architect asks of a tree: what it passes in either encoding, how much of it would fit, and what would make it
 * smaller. In: the tree of a request at its largest. Out: plain data.
 */
import type { CallPlan, ClaimPlan, ClientPlan, Encoding, Plan, TokenShape } from '../../graph/index.ts';
import { SIGNING_ALGORITHMS } from '../../token/index.ts';
import { HopBudgets, fits, reserveOf, roomAt, type HopBudget } from './hop.ts';
import { Measure, jsonBytes, signingSize, type HeldClaims, type MeasureOptions } from './measure.ts';
import { Fitter } from './planner/fit.ts';
import { PackedWeights } from './packed-weights.ts';
import { COMMON_PROFILES } from './profiles.ts';
import { callsOf, without, type TreeCall } from './tree-calls.ts';
import { WeighedTree, type TreeHop } from './tree-hops.ts';

/** One number for each encoding. Packed ones are the most that it can be. */
export interface InEither<Value> {
  readonly nested: Value;
  readonly packed: Value;
}

/** Bytes of the token on the tightest hop, and whether the whole tree fits. */
export interface Standing {
  readonly bytes: InEither<number>;
  readonly fits: InEither<boolean>;
}

export interface FitAdvice extends Standing {
  readonly tokens: number;
  /** The hop of which the largest part is taken in the graph's encoding; absent where no hop has a limit. */
  readonly tightest?: { readonly hop: string; readonly limit: number; readonly profile: string };
  readonly profiles: readonly ProfileFit[];
  /** As if every caller could authenticate; null where not even single tokens fit. */
  readonly largest: InEither<LargestPart | null>;
  readonly what_if: readonly WhatIf[];
}

export interface ProfileFit {
  readonly profile: string;
  /** Whether it stands on a hop of this tree; else it is judged for the first token. */
  readonly on_path: boolean;
  /** The hop with the largest token before it. */
  readonly hop: string;
  /** Bytes of the largest token that passes there. */
  readonly limit: number;
  readonly bytes: InEither<number>;
  readonly passes: InEither<boolean>;
}

export interface LargestPart {
  /** Tokens that stay embedded, the root counted. */
  readonly tokens: number;
  /** Calls that would have to be fetched. */
  readonly moved: number;
  /** Round trips that they are expected to add to one request. */
  readonly round_trips: number;
}

export interface WhatIf extends Standing {
  readonly change: 'exchange' | 'signing' | 'txn' | 'claims';
  /** What would be changed, in words. */
  readonly what: string;
  /** Of an exchange: round trips that it is expected to add. */
  readonly round_trips?: number;
  /** Of an exchange: whether the caller has no `auth` yet. */
  readonly needs_auth?: boolean;
}

export interface AdvisedRequest {
  readonly plan: Plan;
  readonly client: ClientPlan;
  readonly shape: TokenShape;
  /** The calls that lead to it. */
  readonly calls: readonly CallPlan[];
  /** Of the largest values; what is fetched has longer ids. */
  readonly measure: Measure;
  readonly subjectClaims: HeldClaims;
}

/** Of single calls so many are told. */
const MOST_EXCHANGES = 3;
/** 64 random bits as base64url. */
const SHORT_TXN_CHARS = 11;

export function adviseFit(request: AdvisedRequest): FitAdvice {
  return new Advisor(request).advice();
}

class Advisor {
  readonly #request: AdvisedRequest;
  readonly #budgets = new HopBudgets();
  readonly #tree: WeighedTree;
  readonly #tightest: TreeHop | undefined;

  constructor(request: AdvisedRequest) {
    this.#request = request;
    this.#tree = this.#weigh(request.shape, request.measure);
    this.#tightest = this.#tree.tightest(request.plan.issuer.encoding, this.#budgets);
  }

  advice(): FitAdvice {
    const hop = this.#tightest;
    const budget = hop && this.#budgets.of(hop.to, hop.calls);
    return {
      tokens: this.#request.shape.tokens,
      ...(hop && budget?.limit !== undefined
        ? { tightest: { hop: hop.hop, limit: budget.limit, profile: budget.profile ?? '' } }
        : {}),
      ...this.#standing([this.#tree]),
      profiles: [...this.#onPath(), ...this.#elsewhere()],
      largest: { nested: this.#largest('nested'), packed: this.#largest('packed') },
      what_if: [...this.#exchanges(), ...this.#signings(), ...this.#shortTxn(), ...this.#realClaims()],
    };
  }

  #weigh(shape: TokenShape, measure: Measure): WeighedTree {
    return new WeighedTree(shape, measure, { from: this.#request.client.name, calls: this.#request.calls });
  }

  #with(options: Partial<MeasureOptions>): Measure {
    return new Measure({ ...this.#request.measure.options, ...options });
  }

  /** @param trees the request's, and what is fetched beside it; the first that has the tightest hop tells its bytes. */
  #standing(trees: readonly [WeighedTree, ...WeighedTree[]], at = this.#tightest?.path ?? []): Standing {
    const nested = this.#request.plan.issuer.limits.nested;
    const all = (encoding: Encoding) => trees.every((tree) => tree.fits(encoding, this.#budgets, nested));
    const [tree] = trees;
    const token = tree.hops.find(({ path }) => path.join('\n') === at.join('\n'))?.token ?? tree.root;
    return {
      bytes: { nested: tree.bytes(token, 'nested'), packed: tree.bytes(token, 'packed') },
      fits: { nested: all('nested'), packed: all('packed') },
    };
  }

  /** Each profile on the way, at the hop where the tree comes closest to its limit. */
  #onPath(): ProfileFit[] {
    const byProfile = new Map<string, ProfileFit[]>();
    for (const hop of this.#tree.hops) {
      for (const budget of this.#budgets.pieces(hop.to, hop.calls)) {
        if (budget.limit === undefined) continue;
        const judged = this.#judge(hop, budget, true);
        byProfile.set(judged.profile, [...(byProfile.get(judged.profile) ?? []), judged]);
      }
    }
    return Array.from(byProfile.values(), (all) => {
      const share = ({ bytes, limit }: ProfileFit): number => bytes.nested / Math.max(1, limit);
      const worst = all.reduce((most, next) => (share(next) > share(most) ? next : most));
      const passes = {
        nested: all.every(({ passes: each }) => each.nested),
        packed: all.every(({ passes: each }) => each.packed),
      };
      return { ...worst, passes };
    });
  }

  /** What is met most often, were it before the entry. */
  #elsewhere(): ProfileFit[] {
    const onPath = new Set(
      this.#tree.hops
        .flatMap(({ to, calls }) => this.#budgets.pieces(to, calls))
        .map(({ profile }) => profile),
    );
    const [first] = this.#tree.hops;
    if (!first) return [];
    return COMMON_PROFILES.filter((profile) => !onPath.has(profile)).map((profile) => {
      const hop = { profile, maxLine: undefined, maxTotal: undefined };
      return this.#judge(first, roomAt(hop, reserveOf(first.to)), false);
    });
  }

  #judge({ hop, token }: TreeHop, budget: HopBudget, onPath: boolean): ProfileFit {
    const bytes = { nested: this.#tree.bytes(token, 'nested'), packed: this.#tree.bytes(token, 'packed') };
    return {
      profile: budget.profile ?? '',
      on_path: onPath,
      hop,
      limit: budget.limit ?? 0,
      bytes,
      passes: { nested: fits(bytes.nested, budget), packed: fits(bytes.packed, budget) },
    };
  }

  #largest(encoding: Encoding): LargestPart | null {
    const { plan, shape, calls, measure, subjectClaims } = this.#request;
    const { nested } = plan.issuer.limits;
    if (this.#tree.fits(encoding, this.#budgets, nested)) {
      return { tokens: shape.tokens, moved: 0, round_trips: 0 };
    }
    const { heldClaims } = measure.options;
    const fitter = new Fitter({
      budgets: this.#budgets,
      nested,
      heldClaims,
      subjectClaims,
      anyoneFetches: true,
    });
    const fetched = this.#with({ exchanged: true });
    const fitted = fitter.fit(shape, calls, {
      own: measure,
      fetched,
      digits: String(shape.tokens - 1).length,
      packed:
        encoding === 'nested'
          ? undefined
          : {
              weights: new PackedWeights(shape, fetched),
              declared: this.#tree.bytes(this.#tree.root, 'packed'),
              holds: (smaller) => this.#weigh(smaller, measure).fits('packed', this.#budgets, nested),
            },
    });
    if (!fitted) return null;
    return { tokens: fitted.shape.tokens, moved: fitted.moved.length, round_trips: fitted.roundTrips };
  }

  /** The single calls that would help most: those that make the tree fit, the rarest first; else the largest. */
  #exchanges(): WhatIf[] {
    const { shape, plan } = this.#request;
    const { encoding } = plan.issuer;
    const now = this.#standing([this.#tree]).bytes[encoding];
    const worth = ({ bytes, round_trips: trips = 1 }: WhatIf): number =>
      (now - bytes[encoding]) / Math.max(0.01, trips);
    return callsOf(shape)
      .map((call) => this.#exchange(call))
      .filter(({ bytes }) => bytes[encoding] < now)
      .sort((a, b) => Number(b.fits[encoding]) - Number(a.fits[encoding]) || worth(b) - worth(a))
      .slice(0, MOST_EXCHANGES);
  }

  #exchange({ path, branch, caller, carried, often }: TreeCall): WhatIf {
    const { shape, measure } = this.#request;
    const rest = this.#weigh(without(shape, path), measure);
    const { name } = caller.service;
    const way = { from: name, calls: branch.calls };
    const fetched = new WeighedTree(carried, this.#with({ exchanged: true }), way);
    return {
      change: 'exchange',
      what: `${name} -> ${branch.callee} on demand`,
      round_trips: often,
      needs_auth: caller.service.auth === undefined,
      ...this.#standing([rest, fetched]),
    };
  }

  #signings(): WhatIf[] {
    const { signing } = this.#request.plan.issuer;
    return SIGNING_ALGORITHMS.filter((alg) => alg !== signing).map((alg) => ({
      change: 'signing',
      what: `signing: ${alg}`,
      ...this.#measured({ signing: signingSize(alg) }),
    }));
  }

  #shortTxn(): WhatIf[] {
    const standing = this.#measured({ txnChars: SHORT_TXN_CHARS });
    return [{ change: 'txn', what: 'ids of 64 random bits instead of 128', ...standing }];
  }

  /** What the client's own claims really take; a user's are not known before there is one. */
  #realClaims(): WhatIf[] {
    const { client, measure } = this.#request;
    const { claimBytes } = measure.options;
    const real = (claim: ClaimPlan): number | undefined =>
      client.claims.has(claim.name) ? jsonBytes(client.claims.get(claim.name)) : undefined;
    const larger = new Set(
      this.#tree.hops
        .flatMap(({ token }) => token.shape.claims.map(({ claim }) => claim))
        .filter((claim) => (real(claim) ?? Infinity) < (claimBytes(claim) ?? 0)),
    );
    if (larger.size === 0) return [];
    const what = `max_bytes as it is: ${[...larger].map((claim) => `${claim.name} ${real(claim)}`).join(', ')}`;
    const standing = this.#measured({
      claimBytes: (claim) => (larger.has(claim) ? real(claim) : claimBytes(claim)),
    });
    return [{ change: 'claims', what, ...standing }];
  }

  #measured(options: Partial<MeasureOptions>): Standing {
    return this.#standing([this.#weigh(this.#request.shape, this.#with(options))]);
  }
}
