/**
 * The trees that requests can bring about, as far as checks must look at them: each client's single scopes, its
 * default scopes, all scopes of an entry, and what services fetch by exchange. In: a plan. Out: each different tree
 * once, whatever number of clients leads to it, and who leads to which token.
 */
import { getOrAdd } from '../../get-or-add.ts';
import { causeOfParties } from '../causes.ts';
import type { Findings } from '../finding.ts';
import type { CallPlan, ClientPlan, Plan, ScopePlan, ServicePlan } from '../compile/plan.ts';
import { nodeOf } from '../compile/scope-graph.ts';
import {
  TooManyShapes,
  Walk,
  embeddedOrFetched,
  sortByDeclaration,
  presentedBy,
  reachableTokens,
  type Branch,
  type TokenBody,
  type TokenShape,
} from '../compile/walk.ts';

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
  /** The token under which it is fetched; absent for a client's own. */
  readonly holder: TokenBody | undefined;
  /** The calls that bring it about: one of a client, or the merged ones of a service. */
  readonly calls: readonly CallPlan[];
  readonly shape: TokenShape;
}

/** What a client may ask for. */
interface Entry {
  readonly what: 'scope' | 'default' | 'entry';
  readonly call: CallPlan;
  readonly service: ServicePlan;
  readonly scopes: readonly ScopePlan[];
}

/** The first who leads to a token. */
type Lead = Pick<PlannedTree, 'client' | 'together'>;

/**
 * @param levels the depth of the tree below each scope, by node of the scope graph.
 * @returns nothing where there are too many to look at.
 */
export function plannedTrees(
  plan: Plan,
  levels: ReadonlyMap<string, number>,
  findings: Findings,
): PlannedTrees | undefined {
  const trees = new PlannedTrees(plan, levels, findings);
  try {
    trees.plant();
    return trees;
  } catch (error) {
    if (!(error instanceof TooManyShapes)) throw error;
    findings.add(
      'too-complex',
      undefined,
      'The calls of this graph merge scopes in more ways than can be planned.',
      FEWER,
    );
    return undefined;
  }
}

const FEWER = 'Give a call on the way `mode: exchange`.';

export class PlannedTrees {
  readonly #plan: Plan;
  readonly #levels: ReadonlyMap<string, number>;
  /** Whether any scope needs to be refused before it is walked. */
  readonly #isDeep: boolean;
  readonly #findings: Findings;
  readonly #walk = new Walk();
  readonly #list: PlannedTree[] = [];
  readonly #bodies = new Map<TokenBody, Lead>();
  /** What clients ask for themselves. */
  readonly list: readonly PlannedTree[] = this.#list;
  /** What stands in the tokens of all trees, those of fetched ones too, whoever presents it. */
  readonly bodies: ReadonlyMap<TokenBody, unknown> = this.#bodies;
  readonly #reached = new Map<string, ReadonlySet<TokenBody>>();

  constructor(plan: Plan, levels: ReadonlyMap<string, number>, findings: Findings) {
    this.#plan = plan;
    this.#levels = levels;
    this.#isDeep = [...levels.values()].some((level) => level > MAX_LEVELS);
    this.#findings = findings;
  }

  /** @throws TooManyShapes */
  plant(): void {
    const seen = new Set<TokenBody>();
    // What some client brings about by single scopes is judged so, though others need all scopes together for it.
    for (const together of [false, true]) {
      for (const client of this.#plan.clients.values()) {
        for (const { what, call, service, scopes } of entriesOf(client)) {
          if ((what === 'entry') !== together || this.#isTooDeep(service, scopes, call)) continue;
          const shape = this.#walk.shape(service, scopes);
          const tree = { client, together, caller: undefined, holder: undefined };
          this.#list.push({ ...tree, what, calls: [call], shape });
          for (const body of reachableTokens([shape.body], this.#below, seen))
            this.#bodies.set(body, { client, together });
        }
      }
    }
  }

  readonly #below = embeddedOrFetched((branch) => this.fetchedBy(branch));

  /** The tokens that these lead to, themselves among them. */
  reachableFrom(tokens: readonly TokenBody[]): ReadonlySet<TokenBody> {
    return new Set(reachableTokens(tokens, this.#below));
  }

  /** What services fetch. One tree may come several times, under different tokens. */
  *fetched(): Generator<PlannedTree> {
    for (const [holder, lead] of this.#bodies) {
      for (const branch of holder.branches) {
        const body = this.fetchedBy(branch);
        if (!body) continue;
        const caller = holder.service;
        const shape = presentedBy(caller, body);
        yield { ...lead, what: 'exchange', caller, holder, calls: branch.calls, shape };
      }
    }
  }

  /** What stands in the token that a call on demand fetches; nothing for other calls, and where it would be too deep. */
  fetchedBy(branch: Branch): TokenBody | undefined {
    const { mode, service, scopes, calls } = branch;
    if (mode !== 'exchange' || !service || this.#isTooDeep(service, scopes, calls[0])) return undefined;
    return this.#walk.fetched(branch);
  }

  #isTooDeep(service: ServicePlan, scopes: readonly ScopePlan[], call: CallPlan | undefined): boolean {
    if (!this.#isDeep) return false;
    for (const scope of scopes) {
      const node = nodeOf(service.name, scope.name);
      const levels = this.#levels.get(node) ?? 0;
      if (levels <= MAX_LEVELS) continue;
      this.#findings.add(
        'too-deep',
        call,
        `The tree of ${node} has ${levels} levels; no tree has more than ${MAX_LEVELS}.`,
        FEWER,
        [],
        causeOfParties(
          'levels',
          `${node} (${levels})`,
          (nodes) => `These trees have more than ${MAX_LEVELS} levels, and none may: ${nodes}.`,
        ),
      );
      return true;
    }
    return false;
  }

  /**
   * What stands in the tokens that requests of a client can bring about, by exchange too.
   *
   * @param together whether by requests for all scopes of an entry; else by single and default scopes alone.
   */
  reachedBy(client: ClientPlan, together: boolean): ReadonlySet<TokenBody> {
    return getOrAdd(this.#reached, `${together}:${client.name}`, () => {
      const trees = this.#list.filter((tree) => tree.client === client && (together || !tree.together));
      return this.reachableFrom(trees.map(({ shape }) => shape.body));
    });
  }
}

function entriesOf(client: ClientPlan): Entry[] {
  const entries: Entry[] = [];
  for (const call of client.calls) {
    const { mode, service, scopes } = call;
    if (mode === 'none' || !service) continue;
    for (const scope of scopes) entries.push({ what: 'scope', call, service, scopes: [scope] });
    const defaults = scopes.filter((scope) => client.defaultScopes.includes(scope.name));
    if (defaults.length > 1)
      entries.push({ what: 'default', call, service, scopes: sortByDeclaration(defaults) });
    if (scopes.length > 1) entries.push({ what: 'entry', call, service, scopes: sortByDeclaration(scopes) });
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
