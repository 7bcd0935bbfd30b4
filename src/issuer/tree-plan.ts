/**
 * What a request will issue, before anything is signed: the tree with the weight of every token, within the graph's
 * limits and the budget of every hop. A plan depends on client, entry and scopes alone and is kept.
 */
import { LRUCache } from 'lru-cache';
import {
  HopBudgets,
  Measure,
  fits,
  signingSize,
  type ClaimBytes,
  type HopBudget,
  type MeasuredToken,
} from '../budget/index.ts';
import { WaybillError } from '../errors.ts';
import { Walk, type ClientPlan, type Plan, type ResolvedRequest, type TokenShape } from '../graph/index.ts';
import type { Signer } from '../keys/index.ts';

const MAX_KEPT = 1_000;

export class TreePlans {
  readonly #plan: Plan;
  readonly #signer: Signer;
  readonly #budgets = new HopBudgets();
  readonly #kept = new LRUCache<string, MeasuredToken>({ max: MAX_KEPT });

  constructor(plan: Plan, signer: Signer) {
    this.#plan = plan;
    this.#signer = signer;
  }

  /** @throws WaybillError `invalid_scope` where the tree breaks a limit or a hop's budget. */
  of(request: ResolvedRequest): MeasuredToken {
    const { client, service, scopes } = request;
    const key = `${client.name}:${service.name}:${scopes.map((scope) => scope.index).join()}`;
    const kept = this.#kept.get(key);
    if (kept) return kept;
    const tree = this.#make(request);
    this.#kept.set(key, tree);
    return tree;
  }

  #make({ client, service, scopes }: ResolvedRequest): MeasuredToken {
    const shape = new Walk().shape(service, scopes);
    this.#checkLimits(shape);
    const tree = this.#measure(client).exact(shape);
    this.#checkNested(tree);
    const calls = client.calls.filter((call) => call.service === service);
    this.#checkHop(client.name, tree, calls);
    return tree;
  }

  #measure(client: ClientPlan): Measure {
    const { alg, kid, signatureBytes } = this.#signer;
    return new Measure({
      issuer: this.#plan.issuer.url,
      sub: client.name,
      clientId: client.name,
      signing: signingSize(alg, kid, signatureBytes),
      claimBytes: clientClaimBytes(client),
    });
  }

  #checkLimits({ tokens, depth }: TokenShape): void {
    const { limits } = this.#plan.issuer;
    if (tokens > limits.tokens) {
      throw new WaybillError(
        'invalid_scope',
        `These scopes together mean ${tokens} tokens; at most ${limits.tokens} are issued at once. Ask for fewer scopes.`,
      );
    }
    if (depth > limits.depth) {
      throw new WaybillError(
        'invalid_scope',
        `These scopes mean a tree ${depth} levels deep; at most ${limits.depth} are issued. Ask for fewer scopes.`,
      );
    }
  }

  #checkNested({ bytes }: MeasuredToken): void {
    const { nested } = this.#plan.issuer.limits;
    if (bytes > nested) {
      throw new WaybillError(
        'invalid_scope',
        `The tree has ${bytes} bytes; at most ${nested} are issued. Ask for fewer scopes.`,
      );
    }
  }

  #checkHop(caller: string, token: MeasuredToken, calls: Parameters<HopBudgets['of']>[1]): void {
    const { service } = token.shape;
    this.#checkRoom(`${caller} -> ${service.name}`, token.bytes, this.#budgets.of(service, calls));
    // The callee of a forward gets this very token.
    for (const { mode, callee, service: target, calls: forwards } of token.shape.branches) {
      if (mode !== 'forward' || !target) continue;
      this.#checkRoom(`${service.name} -> ${callee}`, token.bytes, this.#budgets.of(target, forwards));
    }
    for (const { branch, token: child } of token.children) this.#checkHop(service.name, child, branch.calls);
  }

  #checkRoom(hop: string, bytes: number, budget: HopBudget): void {
    if (fits(bytes, budget)) return;
    throw new WaybillError(
      'invalid_scope',
      `The token for ${hop} has ${bytes} bytes; ${budget.limit} fit (${budget.profile}). Ask for fewer scopes.`,
    );
  }
}

/** The claims of a client are in the graph: their sizes are exact. */
function clientClaimBytes(client: ClientPlan): ClaimBytes {
  return ({ name, source }) => {
    const value = 'value' in source ? source.value : client.claims.get(name);
    return value === undefined ? undefined : Buffer.byteLength(JSON.stringify(value));
  };
}
