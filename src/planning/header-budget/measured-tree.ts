/** One tree with the bytes of every token, in either encoding, and the hops that the tokens take. */
import type { CallPlan, Encoding, ServicePlan } from '../../graph/index.ts';
import type { Coding } from './coding.ts';
import type { Measure, MeasuredToken } from './measure.ts';
import { PackedSizes } from './packed-sizes.ts';
import type { IssuedValues } from './unsigned-tokens.ts';

/** One hop of one token. */
export interface TreeHop {
  /** The client or the service that presents the token. */
  readonly from: string;
  /** The callees that lead to the token, from the root's on; the root's own is empty. */
  readonly path: readonly string[];
  readonly to: ServicePlan;
  readonly calls: readonly CallPlan[];
  readonly token: MeasuredToken;
}

/** `caller -> callee` */
export function hopName({ from, to }: TreeHop): string {
  return `${from} -> ${to.name}`;
}

export interface MeasuredTreeOptions {
  /** The client or the service that presents the root. */
  readonly presenter: string;
  /** The calls that lead to the root. */
  readonly calls: readonly CallPlan[];
  readonly measure: Measure;
  /** What the tree will carry. Absent: the largest values that the measure allows. */
  readonly values?: IssuedValues | undefined;
}

export class MeasuredTree {
  readonly root: MeasuredToken;
  readonly #options: MeasuredTreeOptions;
  #sizes: PackedSizes | undefined;
  #hops: readonly TreeHop[] | undefined;

  constructor(root: MeasuredToken, options: MeasuredTreeOptions) {
    this.root = root;
    this.#options = options;
  }

  /** The same tree, whatever its ids and times. */
  atAnyTime(): MeasuredTree {
    const { presenter, calls, measure, values } = this.#options;
    if (!values?.moment) return this;
    return new MeasuredTree(this.root, { presenter, calls, measure, values: { valueOf: values.valueOf } });
  }

  /** A packed token has the most that it can take, or what it will take where ids and times are known. */
  bytes(token: MeasuredToken, encoding: Encoding): number {
    if (encoding === 'nested' || token.sealed || token.children.length === 0) return token.bytes;
    return this.#options.values?.moment ? this.#packed.exact(token) : this.#packed.bound(token);
  }

  coding(token: MeasuredToken, encoding: Encoding): Coding {
    if (token.sealed) return 'sealed';
    if (token.children.length === 0) return 'bare';
    return encoding === 'nested' ? 'nested' : this.#packed.coding(token);
  }

  /** Callers before callees. A forwarded token takes several hops. */
  get hops(): readonly TreeHop[] {
    const { presenter, calls } = this.#options;
    if (this.#hops === undefined) {
      const hops: TreeHop[] = [];
      addHops(hops, this.root, presenter, calls, []);
      this.#hops = hops;
    }
    return this.#hops;
  }

  get #packed(): PackedSizes {
    const { measure, values } = this.#options;
    return (this.#sizes ??= new PackedSizes(this.root, measure, values));
  }
}

function addHops(
  hops: TreeHop[],
  token: MeasuredToken,
  from: string,
  calls: readonly CallPlan[],
  path: readonly string[],
): void {
  const { service, branches } = token.shape;
  const { name } = service;
  hops.push({ from, path, to: service, calls, token });
  for (const { mode, service: to, calls: on } of branches)
    if (mode === 'forward' && to) hops.push({ from: name, path, to, calls: on, token });
  for (const { branch, token: child } of token.children)
    addHops(hops, child, name, branch.calls, [...path, branch.callee]);
}
