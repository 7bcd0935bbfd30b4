/** The graph scope by scope: every call leaves the scope whose handler makes it, and arrives at the scopes it names. */
import type { CallPlan, Plan, ServicePlan } from '../../graph/index.ts';
import { nodeOf, outsideOf } from './graph-picture.ts';
import {
  callLines,
  groupByZone,
  zoneOf,
  type Arrow,
  type End,
  type Picture,
  type Placed,
} from './picture.ts';

/** @param drawn which clients, services and callees outside are drawn; a call is where both its ends are. */
export function scopePicture(plan: Plan, drawn: (name: string) => boolean): Picture {
  const clients = [...plan.clients.values()].filter(({ name }) => drawn(name));
  const services = [...plan.services.values()].filter(({ name }) => drawn(name));
  const wanted = (from: End, calls: readonly CallPlan[]): Arrow[] =>
    calls.filter(({ callee }) => drawn(callee)).flatMap((call) => arrowsOf(from, call));
  const arrows = [
    ...clients.flatMap(({ name, calls }) => wanted({ node: name }, calls)),
    ...services.flatMap((service) => [
      ...wanted({ node: service.name }, service.calls),
      ...Array.from(service.scopes.values(), (scope) =>
        wanted(endOf(service, scope.index), scope.calls),
      ).flat(),
    ]),
  ];
  const placed: Placed[] = [
    ...clients.map(({ name }) => ({ node: nodeOf('client', name) })),
    ...services.map((service) => ({
      node: nodeOf('service', service.name, [...service.scopes.keys()]),
      zone: zoneOf(service),
    })),
    ...outsideOf(plan, arrows).map((name) => ({ node: nodeOf('outside', name) })),
  ];
  const title = `${plan.name}: which scope calls which`;
  return { kind: 'graph', title, note: NOTE, ...groupByZone(placed), arrows };
}

const NOTE = "An arrow from a service's name: every scope of it makes the call.";

function endOf({ name }: ServicePlan, row: number): End {
  return { node: name, row };
}

/** To each scope that the call names; a call without scopes goes to the callee as a whole. */
function arrowsOf(from: End, { callee, service, scopes, mode, probability }: CallPlan): Arrow[] {
  const lines = callLines([], probability);
  const targets = service ? scopes.map(({ index }) => endOf(service, index)) : [];
  return (targets.length > 0 ? targets : [{ node: callee }]).map((to) => ({ from, to, mode, lines }));
}
