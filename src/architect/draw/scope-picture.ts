/** Pictures the graph scope by scope: every call leads from the scope that makes it to the scopes that it names. */
import type { CallPlan, Plan, ScopePlan, ServicePlan } from '../../graph/index.ts';
import { partiesOf } from './graph-picture.ts';
import { callLines, termLines, type Arrow, type End, type Picture } from './picture.ts';

/** @param drawn which parties are drawn; a call is drawn if both its ends are. */
export function scopePicture(plan: Plan, drawn: (name: string) => boolean): Picture {
  const clients = [...plan.clients.values()].filter(({ name }) => drawn(name));
  const services = [...plan.services.values()].filter(({ name }) => drawn(name));
  const arrowsFrom = (from: End, calls: readonly CallPlan[]): Arrow[] =>
    calls.filter(({ callee }) => drawn(callee)).flatMap((call) => arrowsOf(from, call));
  const arrows = [
    ...clients.flatMap(({ name, calls }) => arrowsFrom({ node: name }, calls)),
    ...services.flatMap((service) => [
      ...arrowsFrom({ node: service.name }, service.calls),
      ...[...service.scopes.values()].flatMap(({ index, calls }) => arrowsFrom(endOf(service, index), calls)),
    ]),
  ];
  const parties = partiesOf(plan, drawn, arrows, ({ scopes }) => [...scopes.keys()]);
  const title = `${plan.name}: which scope calls which`;
  return { kind: 'graph', title, note: NOTE, ...parties, arrows };
}

const NOTE = "An arrow from a service's name: all its scopes make the call.";

function endOf({ name }: ServicePlan, row: number): End {
  return { node: name, row };
}

/** One arrow to each scope that the call names, or one to the callee as a whole. */
function arrowsOf(from: End, call: CallPlan): Arrow[] {
  const { callee, service, scopes, mode, probability } = call;
  const arrow = (to: End, ...granted: ScopePlan[]): Arrow => {
    const lines = callLines([], probability, termLines([call], granted));
    return { from, to, mode, lines };
  };
  if (!service || scopes.length === 0) return [arrow({ node: callee })];
  return scopes.map((scope) => arrow(endOf(service, scope.index), scope));
}
