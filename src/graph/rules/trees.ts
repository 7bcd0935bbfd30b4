/**
 * What only whole trees show: their number of tokens and depth, what a merged token would forward, and claims that a
 * client can never fill. In: a plan, and how deep the scope graph goes. Out: findings.
 */
import { causeOfParties, partyNames } from '../causes.ts';
import type { Cause, Findings } from '../finding.ts';
import type { CallPlan, ClaimPlan, ClientPlan, Plan, ScopePlan } from '../compile/plan.ts';
import { mayHaveValue } from '../compile/claim-values.ts';
import type { Branch, TokenBody } from '../compile/walk.ts';
import { checkGuardedTrees } from './guarded-trees.ts';
import { Leaks, type LeakKind } from './leaks.ts';
import { describeTree, type PlannedTree, type PlannedTrees } from './planned-trees.ts';

const FEWER_OR_MORE = 'Give rare calls `mode: exchange`, or raise `issuer.limits`.';

export function checkTrees(plan: Plan, trees: PlannedTrees, findings: Findings): void {
  checkLimits(plan, trees, findings);
  const leaks = new Leaks();
  for (const body of trees.bodies.keys()) {
    collectLeaks(body, leaks);
    checkForwardedClaims(body, findings);
  }
  for (const tree of trees.list) collectBoundForwards(tree, leaks);
  leaks.report(findings);
  checkClaimValues(plan, trees, findings);
  checkGuardedTrees(plan, trees, findings);
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
        [],
        causeOfParties(
          shape.service.name,
          `${describeTree(tree)} (${count(shape.tokens)})`,
          (requests) =>
            `These would get more tokens than \`limits.tokens\`, which is ${limits.tokens}: ${requests}.`,
        ),
      );
    }
    // All scopes together are as deep as the deepest of them, which has been judged alone.
    if (shape.depth > limits.depth && !together) {
      findings.add(
        'too-deep',
        call,
        `${describeTree(tree)} would get a tree ${shape.depth} levels deep; \`limits.depth\` is ${limits.depth}.`,
        FEWER_OR_MORE,
        [],
        causeOfParties(
          shape.service.name,
          `${describeTree(tree)} (${shape.depth})`,
          (requests) =>
            `These would get a tree with more levels than \`limits.depth\`, which is ${limits.depth}: ${requests}.`,
        ),
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
    const source = lackedSource(claim, client);
    if (!required || !source) continue;
    findings.add(
      'claim-without-value',
      client,
      `${service.name} needs the claim ${claim.name}${WHOSE[source.from]}, and ${client.name} has no value for it.`,
      source.from === 'client'
        ? `Add \`claims: { ${source.path}: … }\` to ${client.name}.`
        : source.from === 'subject'
          ? `Let ${client.name} exchange users' tokens (\`subjects\`), or drop the mark.`
          : `Give ${client.name} \`token: opaque\`, so that its tokens are swapped, or drop the mark.`,
      [],
      causeOfMissingValue(claim, service.name, client.name),
    );
  }
}

type ClaimSource = Extract<ClaimPlan['source'], { readonly from: unknown }>;

const WHOSE: Readonly<Record<ClaimSource['from'], string>> = {
  client: '',
  subject: ' of a user',
  request: ' of a gateway',
};

/** Where the value would come from, if no request of the client can have one. */
function lackedSource(claim: ClaimPlan, client: ClientPlan): ClaimSource | undefined {
  const { source } = claim;
  return 'from' in source && !mayHaveValue(claim, client) ? source : undefined;
}

const HINTS_FOR_ALL: Readonly<Record<ClaimSource['from'], string>> = {
  client: 'Add a value to `claims` of each.',
  subject: "Let them exchange users' tokens (`subjects`), or drop the mark.",
  request: 'Give them `token: opaque`, so that their tokens are swapped, or drop the mark.',
};

/** Services and clients that lack the value of one claim. */
function causeOfMissingValue(
  { name, source }: ClaimPlan,
  service: string,
  client: string,
): Cause<{ readonly service: string; readonly client: string }> {
  const from = 'from' in source ? source.from : 'client';
  return {
    key: name,
    part: { service, client },
    words: (parts) => {
      const services = [...new Set(parts.map((part) => part.service))];
      const clients = [...new Set(parts.map((part) => part.client))];
      const need = services.length > 1 ? 'need' : 'needs';
      const have = clients.length > 1 ? 'have' : 'has';
      const message = `${partyNames(services)} ${need} the claim ${name}${WHOSE[from]}, and ${partyNames(clients)} ${have} no value for it.`;
      if (clients.length === 1) return { message };
      return { message, hint: HINTS_FOR_ALL[from] };
    },
  };
}

/** Rule 7, what merging brings: a forwarded token embeds nothing and carries no claim that is not the callee's too. */
function collectLeaks(shape: TokenBody, leaks: Leaks): void {
  const forwards = shape.branches.filter((branch) => branch.mode === 'forward');
  for (const branch of forwards) {
    const leak = (kind: LeakKind, name: string) => leaks.add(shape.service.name, branch, kind, name);
    for (const { mode, callee } of shape.branches) {
      if (mode === 'embed') leak('embedded', callee);
      if (mode === 'exchange') leak('fetched', callee);
      if (mode === 'forward' && callee !== branch.callee) leak('forwarded', callee);
    }
    for (const claim of foreignClaims(shape, branch)) leak('claims', claim);
  }
}

/** Rule 7: a token that is bound to its client's key is worthless for the callee, which does not hold that key. */
function collectBoundForwards({ client, shape }: PlannedTree, leaks: Leaks): void {
  if (client.boundTo === undefined) return;
  for (const branch of shape.branches)
    if (branch.mode === 'forward') leaks.add(shape.service.name, branch, 'bound', client.name);
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
function checkForwardedClaims(shape: TokenBody, findings: Findings): void {
  const caller = shape.service.name;
  const carried = new Set(shape.claims.map((need) => need.claim.name));
  for (const branch of shape.branches) {
    if (branch.mode !== 'forward') continue;
    const { callee } = branch;
    const needs = [...(branch.service?.claims ?? []), ...branch.scopes.flatMap((scope) => scope.claims)];
    for (const name of new Set(needs.map((need) => need.claim.name))) {
      if (carried.has(name)) continue;
      findings.add(
        'forward-lacks-claim',
        branch.calls[0],
        `${callee} names the claim ${name}, which ${caller}'s forwarded token does not carry.`,
        `Give ${caller} the claim, or embed.`,
        [],
        causeOfParties(
          `${caller} ${callee}`,
          name,
          (names) => `${callee} names the claims ${names}, which ${caller}'s forwarded token does not carry.`,
          `Give ${caller} the claims, or embed.`,
        ),
      );
    }
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
    const callees = entries.map((call) => call.callee).join(' and ');
    findings.add(
      'ambiguous-default',
      client,
      `${client.name}'s default scopes belong to ${callees}: a request without \`scope\` needs a \`resource\`.`,
      'Keep those of one service.',
      [],
      causeOfParties(
        callees,
        client.name,
        (names) =>
          `The default scopes of ${names} belong to ${callees}: a request without \`scope\` needs a \`resource\`.`,
      ),
    );
  }
}
