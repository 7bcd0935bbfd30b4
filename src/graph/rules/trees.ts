/**
 * What only whole trees show: their number of tokens and depth, what a merged token would forward, and claims that a
 * client can never fill. In: a plan, and how deep the scope graph goes. Out: findings.
 */
import type { Findings } from '../finding.ts';
import type { CallPlan, ClientPlan, Plan, ScopePlan } from '../compile/plan.ts';
import type { Branch, TokenBody } from '../compile/walk.ts';
import { describeTree, type PlannedTree, type PlannedTrees } from './planned-trees.ts';

const FEWER_OR_MORE = 'Give rare calls `mode: exchange`, or raise `issuer.limits`.';

export function checkTrees(plan: Plan, trees: PlannedTrees, findings: Findings): void {
  checkLimits(plan, trees, findings);
  for (const body of trees.bodies.keys()) checkForwards(body, findings);
  for (const tree of trees.list) checkBoundForwards(tree, findings);
  checkClaimValues(plan, trees, findings);
  checkDefaults(plan, findings);
}

function checkLimits({ issuer: { limits } }: Plan, trees: PlannedTrees, findings: Findings): void {
  const isOver = ({ tokens, depth }: TokenBody) => tokens > limits.tokens || depth > limits.depth;
  const bodies = [...trees.bodies.keys()];
  if (!bodies.some(isOver)) return;
  const tooLarge = new Set<CallPlan | undefined>();
  for (const tree of [...trees.list, ...trees.fetched()]) {
    const { together, shape, calls } = tree;
    const [call] = calls;
    if (shape.tokens > limits.tokens && !(together && tooLarge.has(call))) {
      tooLarge.add(call);
      findings.add(
        together ? 'too-many-tokens-together' : 'too-many-tokens',
        call,
        `${describeTree(tree)} would get ${count(shape.tokens)} tokens; \`limits.tokens\` is ${limits.tokens}.`,
        FEWER_OR_MORE,
      );
    }
    // All scopes together are as deep as the deepest of them, which has been judged alone.
    if (shape.depth > limits.depth && !together) {
      findings.add(
        'too-deep',
        call,
        `${describeTree(tree)} would get a tree ${shape.depth} levels deep; \`limits.depth\` is ${limits.depth}.`,
        FEWER_OR_MORE,
      );
    }
  }
}

function count(tokens: number): string {
  return tokens > 1e15 ? 'more than 10^15' : tokens.toLocaleString('en');
}

/** Rule 3: a client's claims are in the graph, so what it can never fill is known before it asks. */
function checkClaimValues(plan: Plan, trees: PlannedTrees, findings: Findings): void {
  const needed = new Set<string>();
  for (const { claims } of trees.bodies.keys()) {
    for (const { claim, required } of claims) if (required && 'from' in claim.source) needed.add(claim.name);
  }
  for (const client of plan.clients.values()) {
    if ([...needed].every((name) => client.claims.has(name))) continue;
    for (const token of trees.reachedBy(client, true)) reportMissingValues(client, token, findings);
  }
}

function reportMissingValues(client: ClientPlan, { claims, service }: TokenBody, findings: Findings): void {
  for (const { claim, required } of claims) {
    if (!required || !('from' in claim.source) || client.claims.has(claim.name)) continue;
    const ofSubject = claim.source.from === 'subject';
    if (ofSubject && client.subjects.length > 0) continue; // known when a token is exchanged
    findings.add(
      'claim-without-value',
      client,
      `${service.name} needs the claim ${claim.name}${ofSubject ? ' of a user' : ''}, and ${client.name} has no value for it.`,
      ofSubject
        ? `Let ${client.name} exchange users' tokens (\`subjects\`), or drop the mark.`
        : `Add \`claims: { ${claim.source.path}: … }\` to ${client.name}.`,
    );
  }
}

/** Rule 7, what merging brings: a forwarded token embeds nothing and carries no claim that is not the callee's too. */
function checkForwards(shape: TokenBody, findings: Findings): void {
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

/** Rule 7: a token that is bound to its client's key is worthless for the callee, which does not hold that key. */
function checkBoundForwards({ client, shape }: PlannedTree, findings: Findings): void {
  if (client.boundTo === undefined) return;
  for (const { mode, callee, calls } of shape.branches) {
    if (mode !== 'forward') continue;
    findings.add(
      'forward-leaks',
      calls[0],
      `The tokens of ${client.name} are bound to a key, and ${shape.service.name} would forward its own to ${callee}.`,
      'Embed: the callee then gets a token that names the service which presents it.',
    );
  }
}

/**
 * A request for one forwarding scope and any other of the same token: the other's claims must be the callee's for
 * what these two forward, not only for what all scopes together do.
 */
function foreignClaims(shape: TokenBody, branch: Branch): Set<string> {
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
function missingClaims(shape: TokenBody, branch: Branch, findings: Findings): void {
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
