/**
 * The trees that requests can bring about, as far as checks must look at them: each client's single scopes, its
 * default scopes, all scopes of an entry, and what services fetch by exchange. In: a plan. Out: each different tree
 * once, whatever number of clients leads to it, and who leads to which token.
 */
import type { Findings } from '../finding.ts';
import type { CallPlan, ClientPlan, Plan, ScopePlan, ServicePlan } from '../compile/plan.ts';
import { nodeOf } from '../compile/scope-graph.ts';
import { TooManyShapes, Walk, inOrder, type TokenBody, type TokenShape } from '../compile/walk.ts';

/** Shapes are built by recursion: deeper scope graphs are refused before. Also the schema's bound of `limits.depth`. */
export const MAX_LEVELS = 64;

/** A tree that one request can bring into being. */
export interface PlannedTree {
  /** Who asks for it; of what a service fetches, the first client that leads to it. */
  readonly client: ClientPlan;
  /** A client's single scope, its default scopes, all scopes of one entry; or what a service fetches by exchange. */
  readonly what: 'scope' | 'default' | 'entry' | 'exchange';
  /** Whether it takes a request for all scopes of an entry together: what does not fit then is a warning. */
  readonly together: boolean;
  /** The service that fetches it; absent for a client's own. */
  readonly caller: ServicePlan | undefined;
  /** The calls that bring it about: one of a client, or the merged ones of a service. */
  readonly calls: readonly CallPlan[];
  readonly shape: TokenShape;
}

type Wanted = Omit<PlannedTree, 'shape'> & {
  readonly service: ServicePlan;
  readonly scopes: readonly ScopePlan[];
};

/** @param levels the depth of the tree below each scope, by node of the scope graph. */
export function plannedTrees(
  plan: Plan,
  levels: ReadonlyMap<string, number>,
  findings: Findings,
): PlannedTrees {
  const trees = new PlannedTrees(plan, levels, findings);
  try {
    trees.plant();
  } catch (error) {
    if (!(error instanceof TooManyShapes)) throw error;
    findings.add(
      'too-complex',
      undefined,
      'The calls of this graph merge scopes in more ways than can be planned.',
      FEWER,
    );
  }
  return trees;
}

const FEWER = 'Give a call on the way `mode: exchange`.';

export class PlannedTrees {
  /** Every different token of all trees. */
  readonly tokens: ReadonlySet<TokenShape>;
  /** What stands in them, whoever presents it. */
  readonly bodies: Iterable<TokenBody>;
  /** Those of clients, then what is fetched under them. */
  readonly list: readonly PlannedTree[];
  readonly #plan: Plan;
  readonly #levels: ReadonlyMap<string, number>;
  /** Whether any scope needs to be refused before it is walked. */
  readonly #isDeep: boolean;
  readonly #findings: Findings;
  readonly #walk = new Walk();
  readonly #tokens = new Set<TokenShape>();
  readonly #list: PlannedTree[] = [];
  /** What the holder of a token may fetch, whoever presents it. */
  readonly #fetched = new Map<TokenBody, readonly TokenShape[]>();
  readonly #reached = new Map<string, ReadonlySet<TokenShape>>();

  constructor(plan: Plan, levels: ReadonlyMap<string, number>, findings: Findings) {
    this.#plan = plan;
    this.#levels = levels;
    this.#isDeep = [...levels.values()].some((level) => level > MAX_LEVELS);
    this.#findings = findings;
    this.tokens = this.#tokens;
    this.bodies = { [Symbol.iterator]: () => this.#fetched.keys() };
    this.list = this.#list;
  }

  /** @throws TooManyShapes */
  plant(): void {
    const planted = new Set<TokenShape>();
    // What some client brings about by single scopes is judged so, though others need all scopes together for it.
    for (const together of [false, true]) {
      for (const client of this.#plan.clients.values()) {
        const wanted = entriesOf(client).filter((entry) => entry.together === together);
        for (const want of wanted) {
          const shape = this.#shape(want);
          if (!shape || (want.caller && planted.has(shape))) continue;
          if (want.caller) planted.add(shape);
          const { what, caller, calls } = want;
          this.#list.push({ client: want.client, what, together, caller, calls, shape });
          eachShape(shape, this.#tokens, (token) => {
            if (!this.#fetched.has(token.body))
              for (const fetched of this.#fetchedBy(token.body, want)) wanted.push(fetched);
          });
        }
      }
    }
  }

  #fetchedBy(token: TokenBody, { client, together }: Wanted): Wanted[] {
    const wanted = token.branches.flatMap(({ mode, service, scopes, calls }): Wanted[] =>
      mode === 'exchange' && service
        ? [{ client, what: 'exchange', together, caller: token.service, calls, service, scopes }]
        : [],
    );
    this.#fetched.set(
      token,
      wanted.flatMap((want) => this.#shape(want) ?? []),
    );
    return wanted;
  }

  #shape({ service, scopes, caller, calls }: Wanted): TokenShape | undefined {
    for (const scope of this.#isDeep ? scopes : []) {
      const node = nodeOf(service.name, scope.name);
      const levels = this.#levels.get(node) ?? 0;
      if (levels <= MAX_LEVELS) continue;
      this.#findings.add(
        'too-deep',
        calls[0],
        `The tree of ${node} has ${levels} levels; no tree has more than ${MAX_LEVELS}.`,
        FEWER,
      );
      return undefined;
    }
    return this.#walk.shape(service, scopes, caller);
  }

  /**
   * Every token that requests of a client can bring about, by exchange too.
   *
   * @param together whether by requests for all scopes of an entry; else by single and default scopes alone.
   */
  reachedBy(client: ClientPlan, together: boolean): ReadonlySet<TokenShape> {
    const key = `${together}:${client.name}`;
    let reached = this.#reached.get(key);
    if (!reached) {
      const own = this.#list.filter(
        (tree) => tree.client === client && !tree.caller && (together || !tree.together),
      );
      const waiting = own.map((tree) => tree.shape);
      const seen = new Set<TokenShape>();
      for (let root = waiting.pop(); root; root = waiting.pop())
        eachShape(root, seen, (token) => waiting.push(...(this.#fetched.get(token.body) ?? [])));
      reached = seen;
      this.#reached.set(key, reached);
    }
    return reached;
  }
}

function entriesOf(client: ClientPlan): Wanted[] {
  const entries: Wanted[] = [];
  for (const call of client.calls) {
    const { mode, service, scopes } = call;
    if (mode === 'none' || !service) continue;
    const entry = { client, caller: undefined, calls: [call], service, together: false };
    for (const scope of scopes) entries.push({ ...entry, what: 'scope', scopes: [scope] });
    const defaults = scopes.filter((scope) => client.defaultScopes.includes(scope.name));
    if (defaults.length > 1) entries.push({ ...entry, what: 'default', scopes: inOrder(defaults) });
    if (scopes.length > 1) entries.push({ ...entry, what: 'entry', together: true, scopes: inOrder(scopes) });
  }
  return entries;
}

/** Who asks for what, as the beginning of a sentence. */
export function describeTree({ client, what, caller, shape }: PlannedTree): string {
  const { service, scopes } = shape;
  const names = scopes.map((scope) => scope.name).join(' ');
  switch (what) {
    case 'scope':
      return `${client.name} asking for ${names} of ${service.name}`;
    case 'default':
      return `${client.name} asking for its default scopes ${names} of ${service.name}`;
    case 'entry':
      return `${client.name} asking for all its scopes of ${service.name} together`;
    case 'exchange':
      return `${(caller ?? client).name} fetching ${names} of ${service.name} for ${client.name}`;
  }
}

/** Each different token of a tree once, whatever number of times it is issued. */
export function eachShape(root: TokenShape, seen: Set<TokenShape>, visit: (shape: TokenShape) => void): void {
  const waiting = [root];
  for (let shape = waiting.pop(); shape; shape = waiting.pop()) {
    if (seen.has(shape)) continue;
    seen.add(shape);
    visit(shape);
    for (const branch of shape.branches) if (branch.shape) waiting.push(branch.shape);
  }
}
