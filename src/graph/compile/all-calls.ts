/** Every call of a plan, whoever makes it. */
import type { CallPlan, Plan } from './plan.ts';

export function* allCalls({ clients, services }: Plan): Generator<CallPlan> {
  for (const { calls } of clients.values()) yield* calls;
  for (const { calls, scopes } of services.values()) {
    yield* calls;
    for (const scope of scopes.values()) yield* scope.calls;
  }
}
