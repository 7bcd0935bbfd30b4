/**
 * Embedded calls between scopes must not run in circles (rule 6). Where they do, one call of each circle becomes an
 * exchange, with all calls between the same two services, as these have one mode.
 */
import type { DraftCall, DraftService } from './draft.ts';

export function breakCircles(services: readonly DraftService[]): void {
  const byName = new Map(services.map((service) => [service.name, service]));
  for (let circle = findCall(services, byName); circle; circle = findCall(services, byName)) {
    const { caller, callee } = circle;
    caller.authenticates = true;
    for (const call of callsOf(caller)) {
      if (call.callee !== callee || call.mode !== 'embed') continue;
      call.mode = 'exchange';
      call.remark = 'on demand, as these calls run in a circle';
    }
  }
}

function callsOf(service: DraftService): DraftCall[] {
  return [...service.calls, ...service.scopes.flatMap((scope) => scope.calls)];
}

interface Step {
  readonly service: DraftService;
  /** Calls of the scope that are still to be followed: callee and one of its scopes. */
  readonly left: (readonly [string, string])[];
  readonly node: string;
}

/** A call that closes a circle; none where there is no circle. */
function findCall(
  services: readonly DraftService[],
  byName: ReadonlyMap<string, DraftService>,
): { caller: DraftService; callee: string } | undefined {
  const state = new Map<string, 'open' | 'done'>();
  const enter = (service: DraftService, scope: string): Step => {
    const node = `${service.name}:${scope}`;
    state.set(node, 'open');
    const calls = [...service.calls, ...(service.scopes.find(({ name }) => name === scope)?.calls ?? [])];
    const left = calls.flatMap(({ callee, scopes, mode }) =>
      mode === 'embed' ? scopes.map((one) => [callee, one] as const) : [],
    );
    return { service, left, node };
  };
  for (const service of services) {
    for (const { name } of service.scopes) {
      if (state.has(`${service.name}:${name}`)) continue;
      const path = [enter(service, name)];
      for (let step = path.at(-1); step; step = path.at(-1)) {
        const next = step.left.pop();
        if (!next) {
          state.set(step.node, 'done');
          path.pop();
          continue;
        }
        const [callee, scope] = next;
        const seen = state.get(`${callee}:${scope}`);
        if (seen === 'open') return { caller: step.service, callee };
        const target = byName.get(callee);
        if (seen === undefined && target) path.push(enter(target, scope));
      }
    }
  }
  return undefined;
}
