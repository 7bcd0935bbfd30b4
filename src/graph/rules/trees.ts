/**
 * What only whole trees show: their number of tokens and depth, what a merged token would forward, and claims that a
 * client can never fill. In: a plan, and how deep the scope graph goes. Out: findings.
 */
import type { Findings } from '../finding.ts';
import type { CallPlan, ClientPlan, Plan, ScopePlan, ServicePlan } from '../compile/plan.ts';
import { nodeOf } from '../compile/scope-graph.ts';
import { TooManyShapes, Walk, inOrder, type Branch, type TokenShape } from '../compile/walk.ts';

/** Shapes are built by recursion: deeper scope graphs are refused before. Also the schema's bound of `limits.depth`. */
export const MAX_LEVELS = 64;

/** A tree that one request can bring into being, as the checks look at it. */
export interface PlannedTree {
  /** Whose values it carries. */
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

type Wanted = Omit<PlannedTree, 'shape' | 'client'> & {
  readonly service: ServicePlan;
  readonly scopes: readonly ScopePlan[];
};

/** @param levels the depth of the tree below each scope, by node of the scope graph. */
export function plannedTrees(
  plan: Plan,
  levels: ReadonlyMap<string, number>,
  findings: Findings,
): PlannedTree[] {
  const walk = new Walk();
  const reported = new Set<string>();
  const tooDeep = ({ service, scopes, calls }: Wanted): boolean => {
    const scope = scopes.find((candidate) => levels.get(nodeOf(service.name, candidate.name))! > MAX_LEVELS);
    if (!scope) return false;
    const node = nodeOf(service.name, scope.name);
    if (!reported.has(node)) {
      findings.add(
        'too-deep',
        calls[0],
        `The tree of ${node} has ${levels.get(node)} levels; no tree has more than ${MAX_LEVELS}.`,
        FEWER,
      );
    }
    reported.add(node);
    return true;
  };
  const trees: PlannedTree[] = [];
  try {
    for (const client of plan.clients.values()) {
      const fetched = new Set<string>();
      const seen = new Set<TokenShape>();
      for (const together of [false, true]) {
        const wanted = entriesOf(client).filter((entry) => entry.together === together);
        for (const want of wanted) {
          if (tooDeep(want)) continue;
          const { service, scopes, ...rest } = want;
          const shape = walk.shape(service, scopes, want.caller);
          trees.push({ client, shape, ...rest });
          eachShape(shape, seen, (token) => wanted.push(...exchangesOf(token, fetched, together)));
        }
      }
    }
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
const FEWER_OR_MORE = 'Give rare calls `mode: exchange`, or raise `issuer.limits`.';

function entriesOf(client: ClientPlan): Wanted[] {
  const entries: Wanted[] = [];
  for (const call of client.calls) {
    if (call.mode === 'none') continue;
    if (!call.service) continue;
    const entry = { caller: undefined, calls: [call], service: call.service, together: false };
    for (const scope of call.scopes) entries.push({ ...entry, what: 'scope', scopes: [scope] });
    const defaults = call.scopes.filter((scope) => client.defaultScopes.includes(scope.name));
    if (defaults.length > 1) entries.push({ ...entry, what: 'default', scopes: inOrder(defaults) });
    if (call.scopes.length > 1)
      entries.push({ ...entry, what: 'entry', together: true, scopes: inOrder(call.scopes) });
  }
  return entries;
}

/** What the holder of this token may fetch, each different thing once. */
function exchangesOf(token: TokenShape, fetched: Set<string>, together: boolean): Wanted[] {
  return token.branches.flatMap(({ mode, service, scopes, calls }): Wanted[] => {
    const key = `${token.service.name}:${service?.name}:${scopes.map((scope) => scope.index).join()}`;
    if (mode !== 'exchange' || !service || fetched.has(key)) return [];
    fetched.add(key);
    return [{ what: 'exchange', together, caller: token.service, calls, service, scopes }];
  });
}

export function checkTrees(plan: Plan, trees: readonly PlannedTree[], findings: Findings): void {
  const { limits } = plan.issuer;
  const tooLarge = new Set<CallPlan | undefined>();
  for (const tree of trees) {
    const { together, shape, calls } = tree;
    const [call] = calls;
    const request = describeTree(tree);
    if (shape.tokens > limits.tokens && !(together && tooLarge.has(call))) {
      tooLarge.add(call);
      findings.add(
        together ? 'too-many-tokens-together' : 'too-many-tokens',
        call,
        `${request} would get ${count(shape.tokens)} tokens; \`limits.tokens\` is ${limits.tokens}.`,
        FEWER_OR_MORE,
      );
    }
    // All scopes together are as deep as the deepest of them, which has been judged alone.
    if (shape.depth > limits.depth && !together) {
      findings.add(
        'too-deep',
        call,
        `${request} would get a tree ${shape.depth} levels deep; \`limits.depth\` is ${limits.depth}.`,
        FEWER_OR_MORE,
      );
    }
  }
  const seen = new Set<TokenShape>();
  const perClient = new Map<ClientPlan, Set<TokenShape>>();
  for (const { client, shape } of trees) {
    const mine = perClient.get(client) ?? new Set();
    perClient.set(client, mine);
    eachShape(shape, mine, (token) => checkClaimValues(client, token, findings));
    eachShape(shape, seen, (token) => checkForwards(token, findings));
  }
  checkDefaults(plan, findings);
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

function count(tokens: number): string {
  return tokens > 1e15 ? 'more than 10^15' : tokens.toLocaleString('en');
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

/** Rule 3: a client's claims are in the graph, so what it can never fill is known before it asks. */
function checkClaimValues(client: ClientPlan, { claims, service }: TokenShape, findings: Findings): void {
  for (const { claim, required } of claims) {
    if (!required || !('from' in claim.source) || client.claims.has(claim.name)) continue;
    findings.add(
      'claim-without-value',
      client,
      `${service.name} needs the claim ${claim.name}, and ${client.name} has no value for it.`,
      `Add \`claims: { ${claim.source.path}: … }\` to ${client.name}.`,
    );
  }
}

/** Rule 7, what merging brings: a forwarded token embeds nothing and carries no claim that is not the callee's too. */
function checkForwards(shape: TokenShape, findings: Findings): void {
  const forwards = shape.branches.filter((branch) => branch.mode === 'forward');
  if (forwards.length === 0) return;
  const carried = shape.branches.filter((branch) => branch.mode === 'embed' || branch.mode === 'exchange');
  for (const branch of forwards) {
    const leak = (message: string, hint: string) =>
      findings.add('forward-leaks', branch.calls[0], message, hint);
    const caller = shape.service.name;
    for (const { mode, callee } of carried) {
      leak(
        `${caller} forwards its token to ${branch.callee}, which would find ${mode === 'embed' ? `${callee}'s token in it` : `that it may fetch ${callee}'s`}.`,
        'Embed this call too, or let the scopes be asked for apart.',
      );
    }
    for (const claim of foreignClaims(shape, branch)) {
      leak(
        `${branch.callee} would read the claim ${claim} in ${caller}'s token, which is not among its own.`,
        `Give ${branch.callee} the claim, or embed.`,
      );
    }
    for (const other of forwards) {
      if (other !== branch)
        leak(
          `${branch.callee} could use the token at ${other.callee}, which takes it forwarded too.`,
          'Embed one of the two calls.',
        );
    }
    missingClaims(shape, branch, findings);
  }
}

/**
 * A request for one forwarding scope and any other of the same token: the other's claims must be the callee's for
 * what these two forward, not only for what all scopes together do.
 */
function foreignClaims(shape: TokenShape, branch: Branch): Set<string> {
  const foreign = new Set<string>();
  const { service, scopes } = shape;
  const forwarded = (scope: ScopePlan | undefined) =>
    new Set(
      [...service.calls, ...(scope?.calls ?? [])]
        .filter((call) => call.callee === branch.callee)
        .flatMap((call) => [
          ...(call.service?.claims ?? []),
          ...call.scopes.flatMap((target) => target.claims),
        ])
        .map((need) => need.claim.name),
    );
  for (const scope of scopes) {
    const targets = forwarded(scope);
    if (!branch.calls.some((call) => service.calls.includes(call) || scope.calls.includes(call))) continue;
    for (const other of scopes) {
      const both = other === scope ? targets : new Set([...targets, ...forwarded(other)]);
      for (const need of [...service.claims, ...other.claims])
        if (!both.has(need.claim.name)) foreign.add(need.claim.name);
    }
  }
  return foreign;
}

/** The callee takes the caller's token as it is: a claim of its own that the caller does not carry never arrives. */
function missingClaims(shape: TokenShape, branch: Branch, findings: Findings): void {
  const carried = new Set(shape.claims.map((need) => need.claim.name));
  const needs = [...(branch.service?.claims ?? []), ...branch.scopes.flatMap((scope) => scope.claims)];
  for (const name of new Set(needs.map((need) => need.claim.name))) {
    if (carried.has(name)) continue;
    findings.add(
      'forward-lacks-claim',
      branch.calls[0],
      `${branch.callee} names the claim ${name}, which ${shape.service.name}'s forwarded token does not carry.`,
      `Give ${shape.service.name} the claim, or embed.`,
    );
  }
}

/** Default scopes at several entries mean that every request without `scope` needs a `resource`. */
function checkDefaults(plan: Plan, findings: Findings): void {
  for (const client of plan.clients.values()) {
    const entries = client.calls.filter(
      (call) =>
        call.mode !== 'none' && call.scopes.some((scope) => client.defaultScopes.includes(scope.name)),
    );
    if (entries.length < 2) continue;
    findings.add(
      'ambiguous-default',
      client,
      `${client.name}'s default scopes belong to ${entries.map((call) => call.callee).join(' and ')}: a request without \`scope\` needs a \`resource\`.`,
      'Keep those of one service.',
    );
  }
}
