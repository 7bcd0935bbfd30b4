/** Who calls whom, service by service: what all scopes of one may call, put together. */
import type { Plan, ServicePlan } from './plan.ts';
import { mergeCalls, type Branch } from './walk.ts';

export interface Caller {
  readonly name: string;
  /** Absent for a client. */
  readonly service: ServicePlan | undefined;
  /** One for each callee. */
  readonly branches: readonly Branch[];
}

/** Clients first, each kind in the order of declaration. */
export function callersOf({ clients, services }: Plan): Caller[] {
  return [
    ...Array.from(clients.values(), ({ name, calls }) => ({
      name,
      service: undefined,
      branches: mergeCalls([calls]),
    })),
    ...Array.from(services.values(), (service) => {
      const lists = [service.calls, ...Array.from(service.scopes.values(), ({ calls }) => calls)];
      return { name: service.name, service, branches: mergeCalls(lists) };
    }),
  ];
}
