/** Where a tree is too large for a hop. */
import type { Encoding } from '../../graph/index.ts';
import type { Coding } from './coding.ts';
import { fits, type HopBudgets } from './hop-budgets.ts';
import { hopName, type MeasuredTree } from './measured-tree.ts';

export interface BudgetViolation {
  readonly hop: string;
  readonly bytes: number;
  /** How the token travels at this size. */
  readonly coding: Coding;
  readonly limit: number;
  /** Whose limit it is: a profile's name, or an option of the graph. */
  readonly profile: string;
}

export interface TreeLimits {
  readonly budgets: HopBudgets;
  /** `issuer.limits.nested`. */
  readonly nested: number;
}

/** The first hop, from the root down, whose budget the tree exceeds. */
export function firstViolation(
  tree: MeasuredTree,
  encoding: Encoding,
  { budgets, nested }: TreeLimits,
): BudgetViolation | undefined {
  const { root, hops } = tree;
  const [first] = hops;
  if (first && root.bytes > nested) {
    const coding = root.children.length > 0 ? 'nested' : 'bare';
    return { hop: hopName(first), bytes: root.bytes, coding, limit: nested, profile: 'issuer.limits.nested' };
  }
  for (const hop of hops) {
    const { to, calls, token } = hop;
    const budget = budgets.budgetFor(to, calls);
    // No packed token is larger than the nested one, and it takes longer to measure.
    if (budget.limit === undefined || fits(token.bytes, budget)) continue;
    const bytes = tree.bytes(token, encoding);
    if (fits(bytes, budget)) continue;
    const coding = tree.coding(token, encoding);
    return { hop: hopName(hop), bytes, coding, limit: budget.limit, profile: budget.profile ?? '' };
  }
  return undefined;
}
