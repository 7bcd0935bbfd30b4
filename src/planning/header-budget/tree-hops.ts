/** The hops of one tree with what goes over each, in either encoding. In: a shape, and the measure of its values. */
import type { CallPlan, Encoding, ServicePlan, TokenShape } from '../../graph/index.ts';
import { fits, type HopBudgets } from './hop.ts';
import type { Measure, MeasuredToken } from './measure.ts';
import { firstMisfit } from './misfit.ts';
import { PackedSizes } from './packed-sizes.ts';

/** A token on its way. */
export interface TreeHop {
  /** `caller -> callee` */
  readonly hop: string;
  /** The callees that lead to the token, from the root's on; the root's own is empty. */
  readonly path: readonly string[];
  readonly to: ServicePlan;
  readonly calls: readonly CallPlan[];
  readonly token: MeasuredToken;
}

/** Who presents a tree's root, and over which calls. */
export interface Way {
  readonly from: string;
  readonly calls: readonly CallPlan[];
}

export class WeighedTree {
  readonly root: MeasuredToken;
  readonly hops: readonly TreeHop[];
  readonly #way: Way;
  readonly #sizes: PackedSizes;

  constructor(shape: TokenShape, measure: Measure, way: Way) {
    this.root = measure.exact(shape);
    this.#way = way;
    this.#sizes = new PackedSizes(this.root, measure);
    this.hops = hopsOf(this.root, way, []);
  }

  bytes(token: MeasuredToken, encoding: Encoding): number {
    return encoding === 'packed' ? this.#sizes.bound(token) : token.bytes;
  }

  /** Whether every token passes its hop, and the root the bound on nested ones. */
  fits(encoding: Encoding, budgets: HopBudgets, nested: number): boolean {
    const packed = encoding === 'packed' ? this.#sizes.bounds : undefined;
    return !firstMisfit(this.#way.from, this.root, this.#way.calls, { budgets, nested, packed });
  }

  /** The hop of which a token takes the largest part; of equal ones the first. */
  tightest(encoding: Encoding, budgets: HopBudgets): TreeHop | undefined {
    let tightest: TreeHop | undefined;
    let most = -1;
    for (const hop of this.hops) {
      const budget = budgets.of(hop.to, hop.calls);
      if (budget.limit === undefined) continue;
      const bytes = this.bytes(hop.token, encoding);
      const share = fits(bytes, budget) || budget.limit > 0 ? bytes / Math.max(1, budget.limit) : Infinity;
      if (share > most) [tightest, most] = [hop, share];
    }
    return tightest;
  }
}

function hopsOf(token: MeasuredToken, { from, calls }: Way, path: readonly string[]): TreeHop[] {
  const { shape, children } = token;
  const { name } = shape.service;
  const own = { hop: `${from} -> ${name}`, path, to: shape.service, calls, token };
  const forwards = shape.branches.flatMap(({ mode, service: to, calls: on }): TreeHop[] =>
    mode === 'forward' && to ? [{ hop: `${name} -> ${to.name}`, path, to, calls: on, token }] : [],
  );
  const below = children.flatMap(({ branch, token: child }) =>
    hopsOf(child, { from: name, calls: branch.calls }, [...path, branch.callee]),
  );
  return [own, ...forwards, ...below];
}
