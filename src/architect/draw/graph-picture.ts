/** Pictures the graph, or a part of it: who calls whom, with which scopes. */
import { callersOf, conditionsOn, type Plan } from '../../graph/index.ts';
import {
  callLines,
  groupByZone,
  zoneOf,
  type Arrow,
  type Picture,
  type Placed,
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
          lines: callLines(scopes, probability, conditionsOn(calls, scopes)),
        })),
    );
  const placed: Placed[] = [
    ...[...plan.clients.keys()].filter(drawn).map((name) => ({ node: nodeOf('client', name) })),
    ...[...plan.services.values()]
      .filter(({ name }) => drawn(name))
      .map((service) => ({ node: nodeOf('service', service.name), zone: zoneOf(service) })),
    ...outsideOf(plan, arrows).map((name) => ({ node: nodeOf('outside', name) })),
  ];
  return { kind: 'graph', title: `${plan.name}: who calls whom`, note: '', ...groupByZone(placed), arrows };
}

export function nodeOf(kind: PictureNode['kind'], name: string, rows: readonly string[] = []): PictureNode {
  return { id: name, kind, lines: [{ text: name, as: 'name' }], rows };
}

export function outsideOf({ clients, services }: Plan, arrows: readonly Arrow[]): string[] {
  const names = new Set(arrows.map(({ to }) => to.node));
  return [...names].filter((name) => !services.has(name) && !clients.has(name));
}
