/**
 * Budgets when a graph is compiled: every hop of every tree that a request can bring about, at its largest. In: a
 * plan and its trees. Out: findings that name hop, bytes, limit and what to do.
 */
import {
  eachBody,
  type CallPlan,
  type ClaimPlan,
  type ClientPlan,
  type Findings,
  type Plan,
  type PlannedTree,
  type PlannedTrees,
  type ServicePlan,
  type TokenBody,
  type TokenShape,
} from '../graph/index.ts';
import { HopBudgets, fits, type HopBudget } from './hop.ts';
import {
  Measure,
  signingSize,
  worstClaimBytes,
  worstConfirmation,
  worstSubject,
  type HeldClaims,
} from './measure.ts';
import { Fitter } from './planner/fit.ts';
import { profiles } from './profiles.ts';

export interface ClaimsOfTrees {
  /** What tokens keep for later. */
  readonly heldClaims: HeldClaims;
  /** What a tree may need of its subject. */
  readonly subjectClaims: HeldClaims;
}

export function checkBudgets(
  plan: Plan,
  trees: PlannedTrees,
  findings: Findings,
  claims: ClaimsOfTrees,
): void {
  const budgets = new HopBudgets();
  const doubtful = doubtfulBodies(plan, trees, budgets, claims.heldClaims);
  if (doubtful.size > 0) {
    const worst = new WorstHops(plan, budgets, claims);
    for (const tree of [...trees.list, ...trees.fetched()]) {
      if (!holds(tree.shape.body, doubtful)) continue;
      for (const [client, together] of clientsOf(tree, plan, trees)) worst.take(tree, client, together);
    }
    worst.report(findings);
  }
  reportMissing(plan, trees, budgets, findings);
}

/**
 * What would not fit somewhere if one client had the longest name and the largest values of all, and the presenter the
 * longest identity. Where there is nothing, which is the rule, nothing needs to be weighed for each client and call.
 */
function doubtfulBodies(
  plan: Plan,
  trees: PlannedTrees,
  budgets: HopBudgets,
  heldClaims: HeldClaims,
): Map<TokenBody, boolean> {
  const doubtful = new Map<TokenBody, boolean>();
  const measure = heaviest(plan, heldClaims);
  const actor = longest([...plan.services.values()].map((service) => service.identity));
  const digits = digitsOf(plan);
  const { nested } = plan.issuer.limits;
  const weigh = (body: TokenBody, service: ServicePlan, calls: readonly CallPlan[]): void => {
    if (!fits(measure.worst({ body, actor }, digits), budgets.of(service, calls))) doubtful.set(body, true);
  };
  for (const { shape, calls } of trees.list) {
    const bytes = measure.worst(shape, digits); // no presenter, and perhaps a key
    if (bytes > nested || !fits(bytes, budgets.of(shape.service, calls))) doubtful.set(shape.body, true);
  }
  for (const body of trees.bodies.keys()) {
    weigh(body, body.service, []);
    for (const { mode, service, scopes, shape, calls } of body.branches) {
      if (mode === 'forward' && service) weigh(body, service, calls);
      if (!calls.some((call) => call.via.length > 0)) continue; // weighed with its own server and zone
      if (shape) weigh(shape.body, shape.service, calls);
      else if (mode === 'exchange' && service) weigh(trees.bodyOf(service, scopes), service, calls);
    }
  }
  return doubtful;
}

function longest(names: readonly string[]): string {
  return names.reduce(
    (most, name) =>
      Buffer.byteLength(JSON.stringify(name)) > Buffer.byteLength(JSON.stringify(most)) ? name : most,
    '',
  );
}

function heaviest(plan: Plan, heldClaims: HeldClaims): Measure {
  const clients = [...plan.clients.values()];
  const name = longest(clients.map((client) => client.name));
  const perClient = clients.map(worstClaimBytes);
  const known = new Map<ClaimPlan, number | undefined>();
  return new Measure({
    issuer: plan.issuer.url,
    sub: longest(clients.map(worstSubject)),
    clientId: name,
    signing: signingSize(plan.issuer.signing),
    claimBytes: (claim) => {
      if (!known.has(claim)) {
        const all = perClient.flatMap((bytes) => bytes(claim) ?? []);
        known.set(claim, all.length === 0 ? undefined : Math.max(...all));
      }
      return known.get(claim);
    },
    heldClaims,
    exchanged: true,
    confirmation: clients.map(worstConfirmation).find((method) => method !== 'jkt') ?? 'jkt',
  });
}

/** The clients whose values a tree can carry, each with whether it takes all scopes of an entry together. */
function clientsOf(tree: PlannedTree, plan: Plan, trees: PlannedTrees): (readonly [ClientPlan, boolean])[] {
  const { holder } = tree;
  if (!holder) return [[tree.client, tree.together]];
  return [...plan.clients.values()].flatMap((client): (readonly [ClientPlan, boolean])[] => {
    const together = !trees.reachedBy(client, false).has(holder);
    return together && !trees.reachedBy(client, true).has(holder) ? [] : [[client, together]];
  });
}

/** Whether a token or one below it is among these. Remembers the answers in `known`. */
function holds(body: TokenBody, known: Map<TokenBody, boolean>): boolean {
  let answer = known.get(body);
  if (answer === undefined) {
    answer = body.branches.some(({ shape }) => shape !== undefined && holds(shape.body, known));
    known.set(body, answer);
  }
  return answer;
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

function digitsOf(plan: Plan): number {
  return String(plan.issuer.limits.tokens - 1).length;
}

interface Overrun {
  readonly code: 'budget-exceeded' | 'budget-exceeded-together';
  readonly call: CallPlan;
  readonly hop: string;
  readonly bytes: number;
  readonly limit: number;
  readonly profile: string;
  /** Services of the tree that cannot fetch, and so must have their callees' tokens embedded. */
  readonly unable: readonly string[];
}

/** More are not shown. */
const MAX_OVERRUNS = 2_000;

/** Keeps, for each call, the heaviest token that does not fit. */
class WorstHops {
  readonly #plan: Plan;
  readonly #heldClaims: HeldClaims;
  readonly #budgets: HopBudgets;
  readonly #measures = new Map<string, Measure>();
  readonly #overruns = new Map<string, Overrun>();
  readonly #seen = new Map<string, Set<TokenShape>>();
  readonly #digits: number;
  readonly #fitter: Fitter;
  /** Of the tree that is looked at. */
  #unable: readonly string[] = [];

  constructor(plan: Plan, budgets: HopBudgets, claims: ClaimsOfTrees) {
    this.#plan = plan;
    this.#heldClaims = claims.heldClaims;
    this.#budgets = budgets;
    this.#digits = digitsOf(plan);
    this.#fitter = new Fitter({ budgets, nested: plan.issuer.limits.nested, ...claims });
  }

  take({ what, caller, calls, shape }: PlannedTree, client: ClientPlan, together: boolean): void {
    if (this.#overruns.size >= MAX_OVERRUNS) return;
    const exchanged = what === 'exchange' || client.token === 'opaque'; // a swap adds a branch to ids too
    const measure = this.#measure(client, exchanged);
    if (this.#canMove(shape, calls, client, measure)) return;
    const code = together ? 'budget-exceeded-together' : 'budget-exceeded';
    const scopes = shape.scopes.map((scope) => scope.name).join(' ');
    const from = caller?.name ?? client.name;
    const bytes = this.#hop(code, from, { to: shape.service, carried: shape, calls }, measure, scopes);
    const { nested } = this.#plan.issuer.limits;
    if (caller === undefined && bytes > nested) {
      const limit = { limit: nested, profile: 'issuer.limits.nested' };
      this.#add(code, calls, `${from} → ${shape.service.name}`, bytes, limit, scopes);
    }
    // The same token in another tree of this client weighs the same.
    const key = `${code} ${exchanged} ${client.name}`;
    const seen = this.#seen.get(key) ?? new Set();
    this.#seen.set(key, seen);
    this.#below(code, shape, measure, seen);
  }

  /** Whether some calls of the tree can be left to be fetched so that the rest fits. */
  #canMove(shape: TokenShape, calls: readonly CallPlan[], client: ClientPlan, own: Measure): boolean {
    const { overflow, limits } = this.#plan.issuer;
    this.#unable = [];
    if (overflow !== 'exchange' || shape.tokens > limits.tokens) return false;
    const fetched = this.#measure(client, true);
    if (this.#fitter.fit(shape, calls, { own, fetched, digits: this.#digits })) return true;
    this.#unable = unableToFetch(shape);
    return false;
  }

  #below(code: Overrun['code'], token: TokenShape, measure: Measure, seen: Set<TokenShape>): void {
    if (seen.has(token)) return;
    seen.add(token);
    for (const hop of hopsBelow(token)) {
      this.#hop(code, token.service.name, hop, measure, '');
      if (hop.carried !== token) this.#below(code, hop.carried, measure, seen);
    }
  }

  /** @returns the token's bytes */
  #hop(
    code: Overrun['code'],
    from: string,
    { to, carried, calls }: Hop,
    measure: Measure,
    scopes: string,
  ): number {
    const bytes = measure.worst(carried, this.#digits);
    const budget = this.#budgets.of(to, calls);
    if (!fits(bytes, budget)) this.#add(code, calls, `${from} → ${to.name}`, bytes, budget, scopes);
    return bytes;
  }

  #add(
    code: Overrun['code'],
    calls: readonly CallPlan[],
    hop: string,
    bytes: number,
    budget: HopBudget,
    scopes: string,
  ): void {
    const [call] = calls;
    if (!call || budget.limit === undefined) return;
    const key = `${code} ${call.source.file} ${call.offset} ${scopes} ${budget.profile}`;
    const earlier = this.#overruns.get(key);
    const name = scopes === '' ? hop : `${hop} with ${scopes}`;
    if (!earlier || earlier.bytes < bytes) {
      this.#overruns.set(key, {
        code,
        call,
        hop: name,
        bytes,
        limit: budget.limit,
        profile: budget.profile ?? '',
        unable: this.#unable,
      });
    }
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
    for (const { code, call, hop, bytes, limit, profile, unable } of this.#overruns.values()) {
      if (code === 'budget-exceeded-together' && errors.has(call)) continue;
      findings.add(
        code,
        call,
        `The token for ${hop} can have ${bytes.toLocaleString('en')} bytes; ${limit.toLocaleString('en')} fit (${profile}).`,
        unable.length > 0 ? adviceToFetch(unable) : adviceFor(profile),
      );
    }
  }
}

/** Services that embed tokens for others and have no `auth` to fetch them with instead. */
function unableToFetch(root: TokenShape): string[] {
  const names = new Set<string>();
  eachBody(root.body, ({ service, branches }) => {
    if (service.auth === undefined && branches.some(({ shape }) => shape)) names.add(service.name);
  });
  return [...names];
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

/** Where nothing is known of a server, nobody can say whether its tokens arrive. */
function reportMissing(plan: Plan, trees: PlannedTrees, budgets: HopBudgets, findings: Findings): void {
  if ([...plan.services.values()].every((service) => budgets.of(service, []).limit !== undefined)) return;
  const missing = new Set<ServicePlan>();
  const take = (service: ServicePlan, calls: readonly CallPlan[]): void => {
    if (budgets.of(service, calls).limit === undefined) missing.add(service);
  };
  for (const { shape, calls } of trees.list) take(shape.service, calls);
  for (const { branches } of trees.bodies.keys()) {
    for (const { mode, service, calls } of branches) if (service && mode !== 'none') take(service, calls);
  }
  const [first] = missing;
  if (!first) return;
  const names = [...missing].map((service) => service.name);
  const shown =
    names.length > 5 ? `${names.slice(0, 5).join(', ')} and ${names.length - 5} more` : names.join(', ');
  findings.add(
    'no-budget',
    first,
    `Nothing says how large the headers may be that these accept: ${shown}.`,
    'Name a profile: defaults: { headers: { profile: node, reserve: 2KiB } }.',
  );
}
