/**
 * The hops of trees that do not fit. In: trees, one by one, with a client whose values they carry at their largest.
 * Out: a finding for each call over which something too large goes.
 */
import {
  reachableTokens,
  type CallPlan,
  type ClientPlan,
  type Findings,
  type Plan,
  type PlannedTree,
  type ServicePlan,
  type TokenBody,
  type TokenShape,
} from '../../graph/index.ts';
import { bytesIn, type Coding } from './coding.ts';
import { heaviest } from './heaviest.ts';
import { fits, type HopBudget, type HopBudgets } from './hop.ts';
import {
  Measure,
  signingSize,
  worstClaimBytes,
  worstConfirmation,
  worstSubject,
  type HeldClaims,
  type MeasuredToken,
} from './measure.ts';
import { firstMisfit, type Misfit } from './misfit.ts';
import { PackedSizes } from './packed-sizes.ts';
import { PackedWeights } from './packed-weights.ts';
import { Fitter } from './planner/fit.ts';
import { profiles } from './profiles.ts';

export interface ClaimsOfTrees {
  /** What tokens keep for later. */
  readonly heldClaims: HeldClaims;
  /** What a tree may need of its subject. */
  readonly subjectClaims: HeldClaims;
}

interface Hop {
  readonly to: ServicePlan;
  readonly carried: TokenShape;
  readonly calls: readonly CallPlan[];
}

/** What the holder of a token sends on: the tokens that it embeds, and itself where it is forwarded. */
function hopsBelow(token: TokenShape): Hop[] {
  return token.branches.flatMap(({ mode, service, shape, calls }): Hop[] => {
    if (shape) return [{ to: shape.service, carried: shape, calls }];
    return mode === 'forward' && service ? [{ to: service, carried: token, calls }] : [];
  });
}

/** Digits of the largest number that a token can have. */
export function digitsOf(plan: Plan): number {
  return String(plan.issuer.limits.tokens - 1).length;
}

interface Overrun {
  readonly code: 'budget-exceeded' | 'budget-exceeded-together';
  readonly call: CallPlan;
  readonly hop: string;
  readonly bytes: number;
  readonly coding: Coding;
  /** Bytes that it would have packed, where that would fit and the graph is nested. */
  readonly packed: number | undefined;
  readonly limit: number;
  readonly profile: string;
  /** Services of the tree that cannot fetch, and so must have their callees' tokens embedded. */
  readonly unable: readonly string[];
}

/** More are not shown. */
const MAX_OVERRUNS = 2_000;

/** What the tokens of one tree weigh at most. */
interface Weights {
  readonly of: (token: TokenShape) => number;
  readonly coding: (token: TokenShape) => Coding;
  /** Packed, whatever the graph says; absent for what cannot be packed. */
  readonly packed: (token: TokenShape) => number | undefined;
}

/** Keeps, for each call, the heaviest token that does not fit. */
export class WorstHops {
  readonly #plan: Plan;
  readonly #heldClaims: HeldClaims;
  readonly #budgets: HopBudgets;
  readonly #measures = new Map<string, Measure>();
  readonly #overruns = new Map<string, Overrun>();
  readonly #seen = new Map<string, Set<TokenShape>>();
  readonly #digits: number;
  readonly #fitter: Fitter;
  readonly #heldNested: ReadonlySet<TokenBody>;
  readonly #heaviest: Measure;
  /** Of the tree that is looked at. */
  #unable: readonly string[] = [];

  constructor(plan: Plan, budgets: HopBudgets, claims: ClaimsOfTrees, heldNested: ReadonlySet<TokenBody>) {
    this.#plan = plan;
    this.#heldClaims = claims.heldClaims;
    this.#budgets = budgets;
    this.#digits = digitsOf(plan);
    this.#fitter = new Fitter({ budgets, nested: plan.issuer.limits.nested, ...claims });
    this.#heldNested = heldNested;
    this.#heaviest = heaviest(plan, claims.heldClaims);
  }

  /** Whether the tree travels packed and fits with the largest values of all clients, so that none must be looked at. */
  fitsPacked(tree: PlannedTree): boolean {
    return this.#isPacked(tree) && !this.#misfit(tree, tree.shape, this.#heaviest);
  }

  take(tree: PlannedTree, client: ClientPlan, together: boolean): void {
    if (this.#overruns.size >= MAX_OVERRUNS) return;
    const { what, caller, calls, shape } = tree;
    const exchanged = what === 'exchange' || client.token === 'opaque'; // a swap adds a branch to ids too
    const measure = this.#measure(client, exchanged);
    if (this.#isPacked(tree) && !this.#misfit(tree, shape, measure)) return;
    if (this.#canMove(tree, client, measure)) return;
    const code = together ? 'budget-exceeded-together' : 'budget-exceeded';
    const scopes = shape.scopes.map((scope) => scope.name).join(' ');
    const from = caller?.name ?? client.name;
    const weights = this.#weights(tree, measure);
    this.#hop(code, from, { to: shape.service, carried: shape, calls }, weights, scopes);
    const bytes = measure.worst(shape, this.#digits);
    const { nested } = this.#plan.issuer.limits;
    if (caller === undefined && bytes > nested) {
      const limit = { limit: nested, profile: 'issuer.limits.nested' };
      const coding = isBare(shape) ? 'bare' : 'nested';
      this.#add(code, calls, `${from} → ${shape.service.name}`, { bytes, coding }, limit, scopes);
    }
    // The same token in another tree of this client weighs the same.
    const key = `${code} ${exchanged} ${this.#isPacked(tree)} ${client.name}`;
    const seen = this.#seen.get(key) ?? new Set();
    this.#seen.set(key, seen);
    this.#below(code, shape, weights, seen);
  }

  /** A tree of too many tokens is never issued, and not unfolded here: it counts as nested. */
  #isPacked({ shape, holder }: PlannedTree): boolean {
    const { encoding, limits } = this.#plan.issuer;
    const asHolder = holder === undefined || !this.#heldNested.has(holder);
    return encoding === 'packed' && shape.tokens <= limits.tokens && asHolder;
  }

  #misfit(planned: PlannedTree, shape: TokenShape, measure: Measure): Misfit | undefined {
    const { caller, client, calls } = planned;
    const tree = measure.exact(shape);
    const packed = this.#isPacked(planned) ? new PackedSizes(tree, measure).bounds : undefined;
    const { nested } = this.#plan.issuer.limits;
    return firstMisfit(caller?.name ?? client.name, tree, calls, { budgets: this.#budgets, nested, packed });
  }

  /** Whether some calls of the tree can be left to be fetched so that the rest fits. */
  #canMove(tree: PlannedTree, client: ClientPlan, own: Measure): boolean {
    const { shape, calls } = tree;
    const { overflow, limits } = this.#plan.issuer;
    this.#unable = [];
    if (overflow !== 'exchange' || shape.tokens > limits.tokens) return false;
    const fetched = this.#measure(client, true);
    const packed = this.#isPacked(tree)
      ? {
          weights: new PackedWeights(shape, fetched),
          holds: (smaller: TokenShape) => !this.#misfit(tree, smaller, own),
        }
      : undefined;
    if (this.#fitter.fit(shape, calls, { own, fetched, digits: this.#digits, packed })) return true;
    this.#unable = unableToFetch(shape);
    return false;
  }

  #weights(tree: PlannedTree, measure: Measure): Weights {
    const known = this.#unfolded(tree, measure);
    const packed = (token: TokenShape): number | undefined => known().get(token)?.bytes;
    const coding = (token: TokenShape): Coding => {
      if (isBare(token)) return 'bare';
      return this.#isPacked(tree) ? (known().get(token)?.coding ?? 'nested') : 'nested';
    };
    const of = (token: TokenShape): number =>
      (coding(token) === 'packed' ? packed(token) : undefined) ?? measure.worst(token, this.#digits);
    return { of, coding, packed };
  }

  /** Packed sizes of the tokens of a tree, unfolded when the first is asked for. The largest of equal ones counts. */
  #unfolded(
    { shape: root }: PlannedTree,
    measure: Measure,
  ): () => ReadonlyMap<TokenShape, { readonly bytes: number; readonly coding: Coding }> {
    let known: Map<TokenShape, { bytes: number; coding: Coding }> | undefined;
    return () => {
      if (known) return known;
      const found = new Map<TokenShape, { bytes: number; coding: Coding }>();
      known = found;
      if (root.tokens > this.#plan.issuer.limits.tokens) return known;
      const tree = measure.exact(root);
      const { bytes, coding } = new PackedSizes(tree, measure).bounds;
      const take = (token: MeasuredToken): void => {
        const size = bytes(token);
        if ((found.get(token.shape)?.bytes ?? 0) < size)
          found.set(token.shape, { bytes: size, coding: coding(token) });
        for (const child of token.children) take(child.token);
      };
      take(tree);
      return known;
    };
  }

  #below(code: Overrun['code'], token: TokenShape, weights: Weights, seen: Set<TokenShape>): void {
    if (seen.has(token)) return;
    seen.add(token);
    for (const hop of hopsBelow(token)) {
      this.#hop(code, token.service.name, hop, weights, '');
      if (hop.carried !== token) this.#below(code, hop.carried, weights, seen);
    }
  }

  #hop(
    code: Overrun['code'],
    from: string,
    { to, carried, calls }: Hop,
    weights: Weights,
    scopes: string,
  ): void {
    const bytes = weights.of(carried);
    const budget = this.#budgets.of(to, calls);
    if (fits(bytes, budget)) return;
    const coding = weights.coding(carried);
    const packed = coding === 'nested' ? weights.packed(carried) : undefined;
    const size = { bytes, coding, packed: packed !== undefined && fits(packed, budget) ? packed : undefined };
    this.#add(code, calls, `${from} → ${to.name}`, size, budget, scopes);
  }

  #add(
    code: Overrun['code'],
    calls: readonly CallPlan[],
    hop: string,
    size: Pick<Overrun, 'bytes' | 'coding'> & Partial<Pick<Overrun, 'packed'>>,
    budget: HopBudget,
    scopes: string,
  ): void {
    const [call] = calls;
    if (!call || budget.limit === undefined) return;
    const key = `${code} ${call.source.file} ${call.offset} ${scopes} ${budget.profile}`;
    const earlier = this.#overruns.get(key);
    if (earlier && earlier.bytes >= size.bytes) return;
    this.#overruns.set(key, {
      code,
      call,
      hop: scopes === '' ? hop : `${hop} with ${scopes}`,
      bytes: size.bytes,
      coding: size.coding,
      packed: size.packed,
      limit: budget.limit,
      profile: budget.profile ?? '',
      unable: this.#unable,
    });
  }

  #measure(client: ClientPlan, exchanged: boolean): Measure {
    const key = `${exchanged ? 'exchanged' : 'embedded'} ${client.name}`;
    let measure = this.#measures.get(key);
    if (!measure) {
      const { url, signing } = this.#plan.issuer;
      measure = new Measure({
        issuer: url,
        sub: worstSubject(client),
        clientId: client.name,
        signing: signingSize(signing),
        claimBytes: worstClaimBytes(client),
        heldClaims: this.#heldClaims,
        exchanged,
        confirmation: worstConfirmation(client),
      });
      this.#measures.set(key, measure);
    }
    return measure;
  }

  report(findings: Findings): void {
    const errors = new Set(
      [...this.#overruns.values()].filter(({ code }) => code === 'budget-exceeded').map(({ call }) => call),
    );
    for (const overrun of this.#overruns.values()) {
      const { code, call, hop, bytes, coding, packed, limit, profile, unable } = overrun;
      if (code === 'budget-exceeded-together' && errors.has(call)) continue;
      const advice = unable.length > 0 ? adviceToFetch(unable) : adviceFor(profile);
      findings.add(
        code,
        call,
        `The token for ${hop} can have ${bytesIn(bytes, coding)}; ${limit.toLocaleString('en')} fit (${profile}).`,
        packed === undefined ? advice : `${adviceToPack(packed)} ${advice}`,
      );
    }
  }
}

/** Services that embed tokens for others and have no `auth` to fetch them with instead. */
function unableToFetch(root: TokenShape): string[] {
  const names = new Set<string>();
  for (const { service, branches } of reachableTokens([root.body]))
    if (service.auth === undefined && branches.some(({ shape }) => shape)) names.add(service.name);
  return [...names];
}

function adviceToPack(bytes: number): string {
  return `\`encoding: packed\` would take at most ${bytes.toLocaleString('en')} bytes here.`;
}

function isBare({ branches }: TokenShape): boolean {
  return branches.every(({ shape }) => shape === undefined);
}

function adviceToFetch(unable: readonly string[]): string {
  const shown =
    unable.length > 5 ? `${unable.slice(0, 5).join(', ')} and ${unable.length - 5} more` : unable.join(', ');
  return `Calls can be left to be fetched on demand where their caller has \`auth\`; without: ${shown}.`;
}

function adviceFor(name: string): string {
  const knob = profiles.get(name)?.knob;
  const raise =
    knob === undefined || knob === 'none'
      ? 'raise the limit'
      : `raise ${knob} and say so with max_line or max_total`;
  return `Give a rare call below \`mode: exchange\`, lower \`max_bytes\` of claims, or ${raise}.`;
}
