/**
 * The hops of trees whose budget is exceeded. In: trees, one by one, with the largest values of a client. Out: a finding
 * for each call that carries a token that is too large.
 */
import { getOrAdd } from '../../get-or-add.ts';
import {
  fewNames,
  isSealedBy,
  longestChains,
  partyNames,
  reachableTokens,
  type Actor,
  type CallPlan,
  type Cause,
  type ClientPlan,
  type Encoding,
  type Findings,
  type Plan,
  type PlannedTree,
  type ServicePlan,
  type TokenBody,
  type TokenShape,
} from '../../graph/index.ts';
import type { BudgetViolation } from './budget-violation.ts';
import { bytesIn, type Coding } from './coding.ts';
import { fits, type HopBudget } from './hop-budgets.ts';
import { digitsOf, type Measure, type MeasuredToken } from './measure.ts';
import type { MeasuredTree } from './measured-tree.ts';
import { profiles } from './profiles.ts';
import type { TreePlanner, TreeToPlan } from './tree-planner.ts';
import { worstCaseOf, worstCaseOfAll } from './worst-case.ts';

interface OutgoingToken {
  readonly to: ServicePlan;
  readonly carried: TokenShape;
  readonly calls: readonly CallPlan[];
}

/** What the audience of a token sends on: the tokens that it embeds, and the token itself where it is forwarded. */
function outgoingTokens(token: TokenShape): OutgoingToken[] {
  return token.branches.flatMap(({ mode, service, shape, calls }): OutgoingToken[] => {
    if (shape) return [{ to: shape.service, carried: shape, calls }];
    return mode === 'forward' && service ? [{ to: service, carried: token, calls }] : [];
  });
}

interface Overrun extends BudgetViolation {
  readonly code: 'budget-exceeded' | 'budget-exceeded-together';
  readonly call: CallPlan;
  /** The service behind the limit. */
  readonly callee: string;
  /** Its packed bytes, if those would fit and the graph is nested. */
  readonly packed: number | undefined;
  /** Services of the tree without `auth`: they cannot fetch tokens, so theirs must embed them. */
  readonly unable: readonly string[];
}

/** More are not shown. */
const MAX_OVERRUNS = 2_000;

/** The largest sizes of the tokens of one tree. */
interface TokenSizes {
  readonly bytesOf: (token: TokenShape, isSealed: boolean) => number;
  readonly nested: (token: TokenShape, isSealed: boolean) => number;
  readonly coding: (token: TokenShape, isSealed: boolean) => Coding;
  /** Packed, whatever the graph's encoding; absent for a token that cannot be packed. */
  readonly packed: (token: TokenShape) => number | undefined;
}

/** Of equal tokens of a tree, whose numbers may have other digits, the largest. */
class LargestTokens {
  readonly #tree: MeasuredTree;
  readonly #byShape = new Map<TokenShape, MeasuredToken[]>();

  constructor(tree: MeasuredTree) {
    this.#tree = tree;
    for (const { token } of tree.hops) getOrAdd(this.#byShape, token.shape, () => []).push(token);
  }

  largest(
    shape: TokenShape,
    encoding: Encoding,
  ): { readonly bytes: number; readonly coding: Coding } | undefined {
    return this.#byShape
      .get(shape)
      ?.map((token) => ({
        bytes: this.#tree.bytes(token, encoding),
        coding: this.#tree.coding(token, encoding),
      }))
      .reduce((largest, one) => (one.bytes > largest.bytes ? one : largest));
  }
}

/** Keeps, for each call, the largest token that does not fit: its worst case. */
export class WorstHops {
  readonly #planner: TreePlanner;
  readonly #plan: Plan;
  readonly #measures = new Map<ClientPlan, Measure>();
  readonly #overruns = new Map<string, Overrun>();
  readonly #seen = new Map<string, Set<TokenShape>>();
  readonly #heldNested: ReadonlySet<TokenBody>;
  readonly #worstOfAll: Measure;
  readonly #chains: ReadonlyMap<Actor, Actor>;
  /** Of the tree that is being checked. */
  #unable: readonly string[] = [];

  constructor(planner: TreePlanner, heldNested: ReadonlySet<TokenBody>) {
    this.#planner = planner;
    this.#plan = planner.plan;
    this.#heldNested = heldNested;
    this.#chains = longestChains(planner.plan);
    this.#worstOfAll = planner.measure(worstCaseOfAll(planner.plan), true);
  }

  /** Whether the tree travels packed and fits with the largest values of all clients, so that no client must be checked. */
  fitsPacked(tree: PlannedTree): boolean {
    return this.#isPacked(tree) && !this.#planner.violation(this.#toPlan(tree, this.#worstOfAll));
  }

  check(tree: PlannedTree, client: ClientPlan, together: boolean): void {
    if (this.#overruns.size >= MAX_OVERRUNS) return;
    const { what, caller, calls, shape } = tree;
    const exchanged = what === 'exchange' || client.token === 'opaque'; // ids of a swapped token are longer too
    const measure = this.#measure(client, exchanged);
    if (this.#isPacked(tree) && !this.#planner.violation(this.#toPlan(tree, measure))) return;
    if (this.#canOverflow(tree, measure)) return;
    const code = together ? 'budget-exceeded-together' : 'budget-exceeded';
    const scopes = shape.scopes.map((scope) => scope.name).join(' ');
    const from = caller?.name ?? client.name;
    const sizes = this.#sizesOf(tree, measure);
    this.#hop(code, from, { to: shape.service, carried: shape, calls }, sizes, scopes);
    const isSealed = isSealedBy(calls);
    const bytes = sizes.nested(shape, isSealed);
    const { nested, tokens } = this.#plan.issuer.limits;
    if (caller === undefined && bytes > nested) {
      const limit = { limit: nested, profile: 'issuer.limits.nested' };
      const coding = isSealed ? 'sealed' : isBare(shape) ? 'bare' : 'nested';
      this.#add(code, calls, from, shape.service.name, { bytes, coding }, limit, scopes);
    }
    // What services fetch is measured by bounds; then a token has the same in another tree of this client, if the trees have
    // as many digits.
    const key = `${code} ${exchanged} ${this.#isPacked(tree)} ${client.name} ${digitsOf(Math.min(shape.tokens, tokens))}`;
    const seen = caller === undefined ? new Set<TokenShape>() : getOrAdd(this.#seen, key, () => new Set());
    this.#below(code, shape, sizes, seen);
  }

  /** A tree of too many tokens is never issued and not unfolded here: it counts as nested. */
  #isPacked({ shape, holder, calls }: PlannedTree): boolean {
    const { encoding, limits } = this.#plan.issuer;
    const asHolder = holder === undefined || !this.#heldNested.has(holder);
    return encoding === 'packed' && shape.tokens <= limits.tokens && asHolder && !isSealedBy(calls);
  }

  #toPlan(tree: PlannedTree, measure: Measure): TreeToPlan {
    const { caller, client, shape, calls } = tree;
    const presenter = caller?.name ?? client.name;
    const encoding = this.#isPacked(tree) ? 'packed' : 'nested';
    return { shape, above: this.#above(shape), presenter, calls, encoding, measure, holdsAlways: true };
  }

  /** The longest chain of the token above one; nothing for a root, which stands below its client. */
  #above({ actor }: TokenShape): Actor | undefined {
    return actor && this.#chains.get(actor);
  }

  /** Whether some calls of the tree can be left to be fetched so that the rest fits. */
  #canOverflow(tree: PlannedTree, measure: Measure): boolean {
    const { overflow, limits } = this.#plan.issuer;
    this.#unable = [];
    if (overflow !== 'exchange' || tree.shape.tokens > limits.tokens) return false;
    if (this.#planner.overflow(this.#toPlan(tree, measure))) return true;
    this.#unable = unableToFetch(tree.shape);
    return false;
  }

  /** Of a client's own request each token has the bytes that it will have: `waybill plan` shows the same. */
  #sizesOf(tree: PlannedTree, measure: Measure): TokenSizes {
    const { tokens } = this.#plan.issuer.limits;
    const isMeasured = tree.shape.tokens <= tokens;
    const digits = digitsOf(Math.min(tree.shape.tokens, tokens));
    const measured = isMeasured ? this.#measured(tree, measure) : undefined;
    const packed = (token: TokenShape): number | undefined => measured?.().largest(token, 'packed')?.bytes;
    const coding = (token: TokenShape, isSealed: boolean): Coding => {
      if (isSealed) return 'sealed';
      if (isBare(token)) return 'bare';
      return this.#isPacked(tree) ? (measured?.().largest(token, 'packed')?.coding ?? 'nested') : 'nested';
    };
    const worst = (token: TokenShape, isSealed: boolean): number => {
      const bytes = measure.worst(token, digits, this.#above(token));
      return isSealed ? measure.sealedAtWorst(token.body, bytes) : bytes;
    };
    const nested = (token: TokenShape, isSealed: boolean): number =>
      (tree.caller === undefined ? measured?.().largest(token, 'nested')?.bytes : undefined) ??
      worst(token, isSealed);
    const bytesOf = (token: TokenShape, isSealed: boolean): number =>
      (coding(token, isSealed) === 'packed' ? packed(token) : undefined) ?? nested(token, isSealed);
    return { bytesOf, nested, coding, packed };
  }

  /** Measured with the first use. */
  #measured(tree: PlannedTree, measure: Measure): () => LargestTokens {
    let known: LargestTokens | undefined;
    return () => (known ??= new LargestTokens(this.#planner.measured(this.#toPlan(tree, measure))));
  }

  #below(code: Overrun['code'], token: TokenShape, sizes: TokenSizes, seen: Set<TokenShape>): void {
    if (seen.has(token)) return;
    seen.add(token);
    for (const hop of outgoingTokens(token)) {
      this.#hop(code, token.service.name, hop, sizes, '');
      if (hop.carried !== token) this.#below(code, hop.carried, sizes, seen);
    }
  }

  #hop(
    code: Overrun['code'],
    from: string,
    { to, carried, calls }: OutgoingToken,
    sizes: TokenSizes,
    scopes: string,
  ): void {
    const isSealed = isSealedBy(calls);
    const bytes = sizes.bytesOf(carried, isSealed);
    const budget = this.#planner.budgets.budgetFor(to, calls);
    if (fits(bytes, budget)) return;
    const coding = sizes.coding(carried, isSealed);
    const packed = coding === 'nested' ? sizes.packed(carried) : undefined;
    const size = { bytes, coding, packed: packed !== undefined && fits(packed, budget) ? packed : undefined };
    this.#add(code, calls, from, to.name, size, budget, scopes);
  }

  #add(
    code: Overrun['code'],
    calls: readonly CallPlan[],
    from: string,
    callee: string,
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
      hop: `${from} → ${callee}${scopes === '' ? '' : ` with ${scopes}`}`,
      callee,
      bytes: size.bytes,
      coding: size.coding,
      packed: size.packed,
      limit: budget.limit,
      profile: budget.profile ?? '',
      unable: this.#unable,
    });
  }

  #measure(client: ClientPlan, exchanged: boolean): Measure {
    const measure = getOrAdd(this.#measures, client, () => this.#planner.measure(worstCaseOf(client), false));
    return exchanged ? measure.fetched : measure;
  }

  report(findings: Findings): void {
    if (this.#overruns.size >= MAX_OVERRUNS)
      findings.tellOfMore(
        `More than ${MAX_OVERRUNS.toLocaleString('en')} tokens are too large for a budget; the rest is not shown.`,
      );
    const errors = new Set(
      [...this.#overruns.values()].filter(({ code }) => code === 'budget-exceeded').map(({ call }) => call),
    );
    for (const overrun of this.#overruns.values()) {
      if (overrun.code === 'budget-exceeded-together' && errors.has(overrun.call)) continue;
      const { message, hint } = wordsOf(overrun);
      findings.add(overrun.code, overrun.call, message, hint, [], causeOf(overrun));
    }
  }
}

function wordsOf({ hop, bytes, coding, packed, limit, profile, unable }: Overrun): {
  readonly message: string;
  readonly hint: string;
} {
  const advice = unable.length > 0 ? adviceToFetch(unable) : adviceFor(profile);
  return {
    message: `The token for ${hop} can have ${bytesIn(bytes, coding)}; ${limit.toLocaleString('en')} fit (${profile}).`,
    hint: packed === undefined ? advice : `${adviceToPack(packed)} ${advice}`,
  };
}

/** What one limit before one service is too small for. */
function causeOf(overrun: Overrun): Cause<Overrun> {
  const { callee, profile, limit } = overrun;
  return {
    key: `${callee} ${profile} ${limit}`,
    part: overrun,
    words: (overruns) => {
      const worst = overruns.reduce((most, each) => (each.bytes > most.bytes ? each : most));
      const others = overruns
        .filter((each) => each !== worst)
        .map(({ hop, bytes }) => `${hop} (${bytes.toLocaleString('en')})`);
      const packed = overruns.map((each) => each.packed ?? Infinity);
      const fitsPacked = Math.max(...packed);
      const { message, hint } = wordsOf({
        ...worst,
        packed: Number.isFinite(fitsPacked) ? fitsPacked : undefined,
        unable: [...new Set(overruns.flatMap(({ unable }) => unable))],
      });
      const too = others.length > 1 ? 'These are too large for it too' : 'This is too large for it too';
      return { message: `${message} ${too}: ${partyNames(others)}.`, hint };
    },
  };
}

/** Services that get embedded tokens and have no `auth` to fetch them instead. */
function unableToFetch(root: TokenShape): string[] {
  const names = new Set<string>();
  for (const { service, branches } of reachableTokens([root.body]))
    if (service.auth === undefined && branches.some(({ shape }) => shape)) names.add(service.name);
  return [...names];
}

function adviceToPack(bytes: number): string {
  return `With \`encoding: packed\` it has at most ${bytes.toLocaleString('en')} bytes.`;
}

function isBare({ branches }: TokenShape): boolean {
  return branches.every(({ shape }) => shape === undefined);
}

function adviceToFetch(unable: readonly string[]): string {
  return `Calls can become exchanges if their caller has \`auth\`. These have none: ${fewNames(unable)}.`;
}

function adviceFor(name: string): string {
  const knob = profiles.get(name)?.knob;
  const raise =
    knob === undefined || knob === 'none' ? 'raise the limit' : `raise ${knob} and set max_line or max_total`;
  return `Set \`mode: exchange\` on a rare call below, lower \`max_bytes\` of claims, or ${raise}.`;
}
