/**
 * The plan of a later day: calls whose `until` has passed are gone, as if they were not written. In: a plan and the time. Out: the
 * plan that the same graph gives then. An issuer that runs for months follows its graph so, without reading it again.
 */
import { getOrAdd } from '../../get-or-add.ts';
import { dayOf, endOf } from '../day.ts';
import { allCalls } from './all-calls.ts';
import { freezePlan } from './compile.ts';
import type { CallPlan, ClientPlan, Plan, ScopePlan, ServicePlan } from './plan.ts';

/**
 * When this plan is no longer that of its graph: the end of the first call that ends.
 *
 * @returns seconds since the epoch; Infinity where no call ends.
 */
export function firstEnd(plan: Plan): number {
  return getOrAdd(ends, plan, () => {
    let first: string | undefined;
    for (const { until } of allCalls(plan))
      if (until !== undefined && (first === undefined || until < first)) first = until;
    return first === undefined ? Infinity : endOf(first);
  });
}

const ends = new WeakMap<Plan, number>();

/**
 * @param now seconds since the epoch.
 * @returns the same plan until a call of it ends.
 */
export function planOfDay(plan: Plan, now: number): Plan {
  return now >= firstEnd(plan) ? new Copy(plan, dayOf(now)).plan : plan;
}

type Unfinished<Type> = { -readonly [Key in keyof Type]: Type[Key] };

/** All services refer to each other, so the copy shares none of them. */
class Copy {
  readonly #today: string;
  readonly #services = new Map<ServicePlan, Unfinished<ServicePlan>>();
  readonly #scopes = new Map<ScopePlan, Unfinished<ScopePlan>>();
  readonly plan: Plan;

  constructor(plan: Plan, today: string) {
    this.#today = today;
    for (const service of plan.services.values()) this.#add(service);
    for (const [service, copy] of this.#services) {
      copy.calls = this.#callsLeft(service.calls);
      copy.introspect = service.introspect.map((entry) => this.#service(entry));
    }
    for (const [scope, copy] of this.#scopes) copy.calls = this.#callsLeft(scope.calls);
    const clients = Array.from(plan.clients.values(), (client) => this.#client(client));
    this.plan = freezePlan({
      ...plan,
      clients: new Map(clients.map((client) => [client.name, client])),
      services: new Map(Array.from(this.#services.values(), (service) => [service.name, service])),
    });
  }

  #add(service: ServicePlan): void {
    const scopes = new Map<string, ScopePlan>();
    for (const scope of service.scopes.values()) {
      const copy = { ...scope };
      this.#scopes.set(scope, copy);
      scopes.set(scope.name, copy);
    }
    this.#services.set(service, { ...service, scopes });
  }

  #client(client: ClientPlan): ClientPlan {
    const calls = this.#callsLeft(client.calls);
    const [had, has] = [scopeNames(client.calls), scopeNames(calls)];
    return {
      ...client,
      calls,
      introspect: client.introspect.map((entry) => this.#service(entry)),
      defaultScopes: client.defaultScopes.filter((scope) => has.has(scope) || !had.has(scope)),
    };
  }

  #callsLeft(calls: readonly CallPlan[]): readonly CallPlan[] {
    if (calls.length === 0) return calls;
    return calls
      .filter(({ until }) => until === undefined || until >= this.#today)
      .map((call) => ({
        ...call,
        service: call.service && this.#service(call.service),
        scopes: call.scopes.map((scope) => this.#scopes.get(scope)!),
      }));
  }

  #service(service: ServicePlan): ServicePlan {
    return this.#services.get(service)!;
  }
}

function scopeNames(calls: readonly CallPlan[]): ReadonlySet<string> {
  return new Set(calls.flatMap(({ scopes }) => scopes.map(({ name }) => name)));
}
