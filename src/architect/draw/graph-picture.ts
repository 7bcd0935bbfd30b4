/** Pictures the graph, or a part of it: who calls whom, with which scopes. */
import { callersOf, type Plan, type ServicePlan } from '../../graph/index.ts';
import {
  callLines,
  groupByZone,
  termLines,
  zoneOf,
  type Arrow,
  type Picture,
  type PictureNode,
} from './picture.ts';

/** @param drawn which parties are drawn; a call is drawn if both its ends are. */
export function graphPicture(plan: Plan, drawn: (name: string) => boolean): Picture {
  const arrows = callersOf(plan)
    .filter(({ name }) => drawn(name))
    .flatMap(({ name, branches }) =>
      branches
        .filter(({ callee }) => drawn(callee))
        .map(({ callee, mode, scopes, probability, calls }): Arrow => ({
          from: { node: name },
          to: { node: callee },
          mode,
          lines: callLines(scopes, probability, termLines(calls, scopes)),
        })),
    );
  const parties = partiesOf(plan, drawn, arrows);
  return { kind: 'graph', title: `${plan.name}: who calls whom`, note: '', ...parties, arrows };
}

export function nodeOf(kind: PictureNode['kind'], name: string, rows: readonly string[] = []): PictureNode {
  return { id: name, kind, lines: [{ text: name, as: 'name' }], rows };
}

/** The drawn clients and services, and the callees of arrows that the graph does not declare. */
export function partiesOf(
  { clients, services }: Plan,
  drawn: (name: string) => boolean,
  arrows: readonly Arrow[],
  rowsOf: (service: ServicePlan) => readonly string[] = () => [],
): Pick<Picture, 'nodes' | 'boxes'> {
  const outside = [...new Set(arrows.map(({ to }) => to.node))].filter(
    (name) => !services.has(name) && !clients.has(name),
  );
  return groupByZone([
    ...[...clients.keys()].filter(drawn).map((name) => ({ node: nodeOf('client', name) })),
    ...[...services.values()]
      .filter(({ name }) => drawn(name))
      .map((service) => ({
        node: nodeOf('service', service.name, rowsOf(service)),
        zone: zoneOf(service),
      })),
    ...outside.map((name) => ({ node: nodeOf('outside', name) })),
  ]);
}
