/** Plans the chosen request, with the graph as declared or with the changes being tried. */
import { isStepUpRequired, isWaybillError } from '../../../../errors.ts';
import { claimAt, isAllowed, type ClientPlan, type Plan, type TreeRequest } from '../../../../graph/index.ts';
import { planRequest, stepUpText, type CallView, type RequestPlan } from '../../../../planning/index.ts';
import type { Choice } from '../choice.ts';
import { requestWith } from '../facts/request-facts.ts';
import { requireNoCycle } from '../what-if.ts';

export interface Planned {
  readonly plan: Plan;
  readonly client: ClientPlan;
  /** Whatever its facts are. */
  readonly request: TreeRequest;
  /** With the given facts. */
  readonly asked: TreeRequest;
  /** With the given facts, if there are any. */
  readonly tree: RequestPlan;
  /** With all conditions true, and the largest values. */
  readonly worst: RequestPlan;
  /** Why the issuer would refuse a request with these facts; empty if it would not. */
  readonly missing: readonly string[];
}

/** @property worst where only the given facts are refused. */
export type Outcome =
  { readonly planned: Planned } | { readonly refused: string; readonly worst?: RequestPlan };

export function planned(plan: Plan, { client: name, entry, scopes, facts }: Choice): Outcome {
  const client = plan.clients.get(name);
  const service = plan.services.get(entry);
  if (!client) return { refused: 'The graph has no client.' };
  if (!service) return { refused: `${client.name} calls no service that takes a token.` };
  const request = { scopes, resources: [service.audience] };
  let worst: RequestPlan | undefined;
  try {
    requireNoCycle(
      service,
      scopes.flatMap((scope) => service.scopes.get(scope) ?? []),
    );
    worst = planRequest(plan, name, request);
    const known = requestWith(plan, client, facts);
    const asked = { ...request, ...known };
    const tree = known.facts ? planRequest(plan, name, asked) : worst;
    const missing = known.facts ? missingClaims(plan, tree.root, known.facts) : [];
    return { planned: { plan, client, request, asked, tree, worst, missing } };
  } catch (error) {
    return { refused: refusalText(error), ...(worst ? { worst } : {}) };
  }
}

function refusalText(error: unknown): string {
  if (!isWaybillError(error)) return 'The tree of this request cannot be planned.';
  return isStepUpRequired(error)
    ? `${error.message} ${stepUpText(error.acrValues, error.maxAge)}`
    : error.message;
}

/** Required claims without a value: the issuer refuses the request for each. */
function missingClaims(
  plan: Plan,
  view: CallView,
  facts: NonNullable<TreeRequest['facts']>,
): readonly string[] {
  if (!view.bytes) return [];
  const lacks = (name: string): boolean => {
    const claim = plan.claims.get(name);
    if (!claim || !('from' in claim.source) || claim.source.from === 'client') return false;
    const { source } = claim;
    const value =
      source.from === 'request'
        ? facts.request?.get(name)
        : facts.subject && claimAt(facts.subject.claims, source.path);
    return !isAllowed(value, claim);
  };
  const own = view.claims.flatMap((text) => (text.endsWith('!') ? [text.slice(0, -1)] : [])).filter(lacks);
  return [
    ...own.map((name) => `${view.service} needs the claim ${name}, which has no value here.`),
    ...view.calls.flatMap((call) => missingClaims(plan, call, facts)),
  ];
}

export interface Hop {
  /** Names from the entry down, `frontend/checkout`. Unique, because a caller has one call to each callee. */
  readonly path: string;
  readonly view: CallView;
  readonly parent: Hop | undefined;
  readonly depth: number;
}

/** Every call of a tree, callers before callees. */
export function hopsOf(root: CallView): Hop[] {
  const hops: Hop[] = [];
  const visit = (view: CallView, parent: Hop | undefined): void => {
    const path = parent ? `${parent.path}/${view.service}` : view.service;
    const hop = { path, view, parent, depth: (parent?.depth ?? -1) + 1 };
    hops.push(hop);
    for (const call of view.calls) visit(call, hop);
  };
  visit(root, undefined);
  return hops;
}

/** Bytes of a token as it travels, and the share of its header budget; 0 without a limit. */
export function weightOf({ bytes, coding, budget }: CallView): { bytes: number; share: number } | undefined {
  if (!bytes || !budget) return undefined;
  const taken = coding === 'packed' ? bytes.packed : bytes.nested;
  return { bytes: taken, share: budget.limit === null ? 0 : taken / Math.max(1, budget.limit) };
}

/** The call that uses most of its header budget; undefined if no call has a limit. */
export function worstHop(hops: readonly Hop[]): Hop | undefined {
  const share = ({ view }: Hop): number => weightOf(view)?.share ?? 0;
  return hops.reduce<Hop | undefined>(
    (worst, hop) => (share(hop) > (worst ? share(worst) : 0) ? hop : worst),
    undefined,
  );
}

export function overLimits({ plan, tree }: Planned): string[] {
  const { limits } = plan.issuer;
  const bytes = tree.root.bytes?.nested ?? 0;
  return [
    tree.tokens > limits.tokens ? `${tree.tokens} tokens; issuer.limits.tokens is ${limits.tokens}` : '',
    tree.depth > limits.depth ? `${tree.depth} levels; issuer.limits.depth is ${limits.depth}` : '',
    bytes > limits.nested ? `${bytes} bytes nested; issuer.limits.nested is ${limits.nested}` : '',
  ].filter((text) => text !== '');
}
