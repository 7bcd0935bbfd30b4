/**
 * Calls with `until`: after that day a call is as if it were not written. In: a declared graph and a day. Out: the graph of that
 * day, which all rules and the plan are made from.
 */
import { isDay } from '../day.ts';
import type {
  CallDeclaration,
  GraphDeclaration,
  ScopeDeclaration,
  ServiceDeclaration,
} from './declaration.ts';

/** Whether a call has ended; what is no day ends nothing, it has a finding. */
export function hasEnded({ until }: Pick<CallDeclaration, 'until'>, today: string): boolean {
  return until !== undefined && until.value < today && isDay(until.value);
}

/** @returns the graph without calls that have ended; what has none is the same object. */
export function withoutEndedCalls(graph: GraphDeclaration, today: string): GraphDeclaration {
  const ended = (call: CallDeclaration) => hasEnded(call, today);
  const without = <Holder extends { readonly calls: readonly CallDeclaration[] }>(holder: Holder): Holder =>
    holder.calls.some(ended) ? { ...holder, calls: holder.calls.filter((call) => !ended(call)) } : holder;
  const serviceOf = (service: ServiceDeclaration): ServiceDeclaration => {
    const scopes: [string, ScopeDeclaration][] = Array.from(service.scopes, ([name, scope]) => [
      name,
      without(scope),
    ]);
    const isSame = scopes.every(([name, scope]) => service.scopes.get(name) === scope);
    return without(isSame ? service : { ...service, scopes: new Map(scopes) });
  };
  const clients = Array.from(graph.clients.values(), (client) => {
    const left = without(client);
    if (left === client) return client;
    // A default scope of a call that has ended is no scope that the client may ask for.
    const [had, has] = [scopesOf(client.calls), scopesOf(left.calls)];
    const isLeft = ({ value }: { readonly value: string }) => has.has(value) || !had.has(value);
    return { ...left, defaultScopes: client.defaultScopes.filter(isLeft) };
  });
  return {
    ...graph,
    clients: new Map(clients.map((client) => [client.name, client])),
    services: new Map(Array.from(graph.services, ([name, service]) => [name, serviceOf(service)])),
  };
}

function scopesOf(calls: readonly CallDeclaration[]): ReadonlySet<string> {
  return new Set(calls.flatMap(({ scopes }) => scopes.map(({ value }) => value)));
}
