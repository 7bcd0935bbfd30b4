/**
 * Budgets when a graph is compiled: every hop of every tree that a request can bring about, at its largest. In: a
 * plan and its trees. Out: findings that name hop, bytes, limit and what to do.
 */
import type {
  CallPlan,
  ClientPlan,
  Findings,
  Plan,
  PlannedTree,
  ServicePlan,
  TokenShape,
} from '../graph/index.ts';
import { HopBudgets, fits, type HopBudget } from './hop.ts';
import { Measure, signingSize, worstClaimBytes } from './measure.ts';
import { profiles } from './profiles.ts';

export function checkBudgets(plan: Plan, trees: readonly PlannedTree[], findings: Findings): void {
  const budgets = new HopBudgets();
  const worst = new WorstHops(plan, budgets);
  for (const tree of trees) worst.take(tree);
  worst.report(findings);
  reportMissing(trees, budgets, findings);
}

interface Overrun {
  readonly code: 'budget-exceeded' | 'budget-exceeded-together';
  readonly call: CallPlan;
  readonly hop: string;
  readonly bytes: number;
  readonly limit: number;
  readonly profile: string;
}

/** Keeps, for each call, the heaviest token that does not fit. */
class WorstHops {
  readonly #plan: Plan;
  readonly #budgets: HopBudgets;
  readonly #measures = new Map<string, Measure>();
  readonly #overruns = new Map<string, Overrun>();
  readonly #seen = new Map<string, Set<TokenShape>>();
  readonly #digits: number;

  constructor(plan: Plan, budgets: HopBudgets) {
    this.#plan = plan;
    this.#budgets = budgets;
    this.#digits = String(plan.issuer.limits.tokens - 1).length;
  }

  take({ client, what, together, caller, calls, shape }: PlannedTree): void {
    const exchanged = what === 'exchange';
    const measure = this.#measure(client, exchanged);
    const code = together ? 'budget-exceeded-together' : 'budget-exceeded';
    const scopes = shape.scopes.map((scope) => scope.name).join(' ');
    const root = this.#hop(code, caller?.name ?? client.name, shape, calls, measure, scopes);
    const { nested } = this.#plan.issuer.limits;
    if (caller === undefined && root > nested)
      this.#add(
        code,
        calls,
        `${client.name} → ${shape.service.name}`,
        root,
        { limit: nested, profile: 'issuer.limits.nested' },
        scopes,
      );
    // The same token in another tree of this client weighs the same.
    const key = `${code} ${exchanged} ${client.name}`;
    const seen = this.#seen.get(key) ?? new Set();
    this.#seen.set(key, seen);
    this.#below(code, shape, measure, seen);
  }

  #below(code: Overrun['code'], shape: TokenShape, measure: Measure, seen: Set<TokenShape>): void {
    if (seen.has(shape)) return;
    seen.add(shape);
    for (const { mode, service, shape: child, calls } of shape.branches) {
      // The callee of a forward gets this very token.
      if (mode === 'forward' && service)
        this.#hop(code, shape.service.name, shape, calls, measure, '', service);
      if (!child) continue;
      this.#hop(code, shape.service.name, child, calls, measure, '');
      this.#below(code, child, measure, seen);
    }
  }

  /** @returns the token's bytes */
  #hop(
    code: Overrun['code'],
    from: string,
    shape: TokenShape,
    calls: readonly CallPlan[],
    measure: Measure,
    scopes: string,
    to: ServicePlan = shape.service,
  ): number {
    const bytes = measure.worst(shape, this.#digits);
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
        sub: client.name,
        clientId: client.name,
        signing: signingSize(signing),
        claimBytes: worstClaimBytes(client),
        exchanged,
      });
      this.#measures.set(key, measure);
    }
    return measure;
  }

  report(findings: Findings): void {
    const errors = new Set(
      [...this.#overruns.values()].filter(({ code }) => code === 'budget-exceeded').map(({ call }) => call),
    );
    for (const { code, call, hop, bytes, limit, profile } of this.#overruns.values()) {
      if (code === 'budget-exceeded-together' && errors.has(call)) continue;
      findings.add(
        code,
        call,
        `The token for ${hop} can have ${bytes.toLocaleString('en')} bytes; ${limit.toLocaleString('en')} fit (${profile}).`,
        adviceFor(profile),
      );
    }
  }
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
function reportMissing(trees: readonly PlannedTree[], budgets: HopBudgets, findings: Findings): void {
  const missing = new Set<ServicePlan>();
  const seen = new Set<TokenShape>();
  const visit = (shape: TokenShape): void => {
    if (seen.has(shape)) return;
    seen.add(shape);
    for (const branch of shape.branches) {
      if (branch.service && (branch.mode === 'embed' || branch.mode === 'forward'))
        take(branch.service, branch.calls);
      if (branch.shape) visit(branch.shape);
    }
  };
  const take = (service: ServicePlan, calls: readonly CallPlan[]): void => {
    if (budgets.of(service, calls).limit === undefined) missing.add(service);
  };
  for (const { shape, calls } of trees) {
    take(shape.service, calls);
    visit(shape);
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
