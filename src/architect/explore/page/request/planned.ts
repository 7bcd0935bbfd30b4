/** Plans the chosen request, with the graph as declared or with the changes being tried. */
import { isWaybillError } from '../../../../errors.ts';
import type { ClientPlan, Plan, TreeRequest } from '../../../../graph/index.ts';
import { planRequest, type CallView, type RequestPlan } from '../../../../planning/index.ts';
import type { Choice } from '../choice.ts';
import { requireNoCycle } from '../what-if.ts';

export interface Planned {
  readonly plan: Plan;
  readonly client: ClientPlan;
  readonly request: TreeRequest;
  readonly tree: RequestPlan;
}

export type Outcome = { readonly planned: Planned } | { readonly refused: string };

export function planned(plan: Plan, { client: name, entry, scopes }: Choice): Outcome {
  const client = plan.clients.get(name);
  const service = plan.services.get(entry);
  if (!client) return { refused: 'The graph has no client.' };
  if (!service) return { refused: `${client.name} calls no service that takes a token.` };
  const request = { scopes, resources: [service.audience] };
  try {
    const asked = scopes.flatMap((scope) => service.scopes.get(scope) ?? []);
    requireNoCycle(service, asked);
    return { planned: { plan, client, request, tree: planRequest(plan, name, request) } };
  } catch (error) {
    return { refused: isWaybillError(error) ? error.message : 'The tree of this request cannot be planned.' };
  }
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
