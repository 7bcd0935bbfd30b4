/** Who may call a service and with which scopes, independent of the chosen request. */
import { termTexts, termsOf, type CallPlan, type Plan } from '../../../../graph/index.ts';
import { callsOf } from '../what-if.ts';

export interface Caller {
  readonly name: string;
  readonly kind: 'client' | 'service';
  /** The caller's scopes that make the call; empty if all do, or for a client. */
  readonly under: readonly string[];
  readonly scopes: readonly string[];
  readonly mode: CallPlan['mode'];
  readonly probability: number;
  /** Conditions, last days and sealing, for people. */
  readonly terms: readonly string[];
}

export function callersOf(plan: Plan, callee: string): Caller[] {
  const clients = [...plan.clients.values()].flatMap((client) => {
    const calls = client.calls.filter((call) => call.callee === callee);
    return merged({ name: client.name, kind: 'client', under: [] }, calls);
  });
  const services = [...plan.services.values()].flatMap((service) => {
    const calls = callsOf(service).filter((call) => call.callee === callee);
    const under = [...service.scopes.values()]
      .filter((scope) => scope.calls.some((call) => call.callee === callee))
      .map((scope) => scope.name);
    const always = service.calls.some((call) => call.callee === callee);
    return merged({ name: service.name, kind: 'service', under: always ? [] : under }, calls);
  });
  return [...clients, ...services];
}

function merged(caller: Pick<Caller, 'name' | 'kind' | 'under'>, calls: readonly CallPlan[]): Caller[] {
  const [first] = calls;
  if (!first) return [];
  const granted = [...new Set(calls.flatMap((call) => call.scopes))];
  const scopes = [...new Set(granted.map((scope) => scope.name))];
  const terms = termTexts(termsOf(calls, granted), granted.length);
  const probability = Math.max(...calls.map((call) => call.probability));
  return [{ ...caller, scopes, mode: first.mode, probability, terms }];
}
