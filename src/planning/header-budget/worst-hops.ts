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
import { fits, type HopBudget } from './hop-budgets.ts';
import { digitsOf, type Measure } from './measure.ts';
import { profiles } from './profiles.ts';
import type { TreePlanner, TreeToPlan } from './tree-planner.ts';
import { worstCaseOf, worstCaseOfAll } from './worst-case.ts';

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
  readonly #planner: TreePlanner;
  readonly #plan: Plan;
  readonly #measures = new Map<ClientPlan, Measure>();
  readonly #overruns = new Map<string, Overrun>();
  readonly #seen = new Map<string, Set<TokenShape>>();
  readonly #digits: number;
  readonly #heldNested: ReadonlySet<TokenBody>;
  readonly #worstOfAll: Measure;
  /** Of the tree that is looked at. */
  #unable: readonly string[] = [];

  constructor(planner: TreePlanner, heldNested: ReadonlySet<TokenBody>) {
    this.#planner = planner;
    this.#plan = planner.plan;
    this.#digits = digitsOf(planner.plan.issuer.limits.tokens);
    this.#heldNested = heldNested;
    this.#worstOfAll = planner.measure(worstCaseOfAll(planner.plan), true);
  }

  /** Whether the tree travels packed and fits with the largest values of all clients, so that none must be looked at. */
  fitsPacked(tree: PlannedTree): boolean {
    return this.#isPacked(tree) && !this.#planner.violation(this.#toPlan(tree, this.#worstOfAll));
  }

  take(tree: PlannedTree, client: ClientPlan, together: boolean): void {
    if (this.#overruns.size >= MAX_OVERRUNS) return;
    const { what, caller, calls, shape } = tree;
    const exchanged = what === 'exchange' || client.token === 'opaque'; // a swap adds a branch to ids too
    const measure = this.#measure(client, exchanged);
    if (this.#isPacked(tree) && !this.#planner.violation(this.#toPlan(tree, measure))) return;
    if (this.#canMove(tree, measure)) return;
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

  #toPlan(tree: PlannedTree, measure: Measure): TreeToPlan {
    const { caller, client, shape, calls } = tree;
    const presenter = caller?.name ?? client.name;
    const encoding = this.#isPacked(tree) ? 'packed' : 'nested';
    return { shape, presenter, calls, encoding, measure, holdsAlways: true };
  }

  /** Whether some calls of the tree can be left to be fetched so that the rest fits. */
  #canMove(tree: PlannedTree, measure: Measure): boolean {
    const { overflow, limits } = this.#plan.issuer;
    this.#unable = [];
    if (overflow !== 'exchange' || tree.shape.tokens > limits.tokens) return false;
    if (this.#planner.overflow(this.#toPlan(tree, measure))) return true;
    this.#unable = unableToFetch(tree.shape);
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
    planned: PlannedTree,
    measure: Measure,
  ): () => ReadonlyMap<TokenShape, { readonly bytes: number; readonly coding: Coding }> {
    let known: Map<TokenShape, { bytes: number; coding: Coding }> | undefined;
    return () => {
      if (known) return known;
      known = new Map<TokenShape, { bytes: number; coding: Coding }>();
      if (planned.shape.tokens > this.#plan.issuer.limits.tokens) return known;
      const tree = this.#planner.measured(this.#toPlan(planned, measure));
      for (const { token } of tree.hops) {
        const bytes = tree.bytes(token, 'packed');
        if ((known.get(token.shape)?.bytes ?? 0) < bytes)
          known.set(token.shape, { bytes, coding: tree.coding(token, 'packed') });
      }
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
    const budget = this.#planner.budgets.budgetFor(to, calls);
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
    let measure = this.#measures.get(client);
    if (!measure) {
      measure = this.#planner.measure(worstCaseOf(client), false);
      this.#measures.set(client, measure);
    }
    return exchanged ? measure.fetched : measure;
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
