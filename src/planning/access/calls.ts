/** The calls of a plan between clients and scopes, in both directions. */
import { getOrAdd } from '../../get-or-add.ts';
import {
  termsOf,
  type CallPlan,
  type ClientPlan,
  type Condition,
  type Plan,
  type ScopePlan,
  type ServicePlan,
} from '../../graph/index.ts';

export interface PathStep {
  /** The client, or `service:scope`. */
  readonly caller: string;
  /** `service:scope` */
  readonly callee: string;
  readonly mode: CallPlan['mode'];
  /** The callee's token is encrypted to it. */
  readonly sealed?: true;
  /** What the user's claims must be for a client's call to get this scope; absent where nothing is asked of them. */
  readonly when?: readonly Condition[];
  /** The last day of the call, in UTC; absent where it has no end. */
  readonly until?: string;
  /** Where the call is declared. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** One scope of one call. */
export interface Step {
  readonly from: ScopePlan | ClientPlan;
  readonly to: ScopePlan;
  readonly call: CallPlan;
}

/** The calls of a plan, scope by scope; a call that a service makes in any scope counts for each. */
export class Calls {
  readonly to = new Map<ScopePlan, Step[]>();
  readonly outOf = new Map<ScopePlan | ClientPlan, Step[]>();
  readonly #services = new Map<ScopePlan, ServicePlan>();

  constructor(plan: Plan) {
    for (const client of plan.clients.values()) this.#take(client, client.calls);
    for (const service of plan.services.values()) {
      for (const scope of service.scopes.values()) {
        this.#services.set(scope, service);
        this.#take(scope, service.calls);
        this.#take(scope, scope.calls);
      }
    }
  }

  #take(from: Step['from'], calls: readonly CallPlan[]): void {
    for (const call of calls) {
      if (call.mode === 'none') continue;
      for (const to of call.scopes) {
        const step = { from, to, call };
        getOrAdd(this.to, to, () => []).push(step);
        getOrAdd(this.outOf, from, () => []).push(step);
      }
    }
  }

  nameOf(scope: ScopePlan): string {
    return `${this.#services.get(scope)!.name}:${scope.name}`;
  }

  /** The client or the service that makes a call. */
  callerOf({ from }: Pick<Step, 'from'>): string {
    return isClient(from) ? from.name : this.#services.get(from)!.name;
  }

  describe({ from, to, call }: Step): PathStep {
    const { line, column } = call.source.locate(call.offset);
    const caller = isClient(from) ? from.name : this.nameOf(from);
    const { when, sealed } = termsOf([call], [to]);
    return {
      caller,
      callee: this.nameOf(to),
      mode: call.mode,
      ...(sealed ? { sealed } : {}),
      ...(when ? { when } : {}),
      ...(call.until === undefined ? {} : { until: call.until }),
      file: call.source.file,
      line,
      column,
    };
  }
}

export function isClient(caller: Step['from']): caller is ClientPlan {
  return 'grants' in caller;
}
