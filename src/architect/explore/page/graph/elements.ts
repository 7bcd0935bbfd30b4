/**
 * Decides which nodes and lines of the graph are drawn, from the plan, the request's tree, the selection and the open
 * groups. In a large graph, groups replace their services.
 */
import { getOrAdd } from '../../../../get-or-add.ts';
import type { Plan } from '../../../../graph/index.ts';
import type { Focus } from '../choice.ts';
import type { Hop } from '../request/planned.ts';
import { callsOf } from '../what-if.ts';

export type CallMode = Hop['view']['mode'];

export interface GraphNode {
  readonly id: string;
  readonly label: string;
  /** Its zone, if no box shows it. */
  readonly note: string | undefined;
  /** `outside`: a callee that the graph does not declare. */
  readonly kind: 'client' | 'service' | 'outside' | 'group';
  readonly box: string | undefined;
  readonly lit: boolean;
  readonly finding: 'error' | 'warning' | undefined;
}

export interface GraphLine {
  readonly from: string;
  readonly to: string;
  readonly mode: CallMode;
  readonly lit: boolean;
  /** Number of calls that the line represents. */
  readonly count: number;
}

export interface GraphElements {
  readonly nodes: readonly GraphNode[];
  readonly boxes: readonly { readonly id: string; readonly label: string }[];
  readonly lines: readonly GraphLine[];
  readonly folded: number;
  /** Number of lines left out because there are too many. */
  readonly left: number;
}

/** Calls, once for each pair of caller and callee. */
export interface Calls {
  readonly all: readonly { readonly from: string; readonly to: string; readonly mode: CallMode }[];
  /** Callers and callees of each party. */
  readonly neighbours: ReadonlyMap<string, ReadonlySet<string>>;
}

export function callsIn(plan: Plan): Calls {
  const all = new Map<string, Calls['all'][number]>();
  const neighbours = new Map<string, Set<string>>();
  const near = (name: string): Set<string> => getOrAdd(neighbours, name, () => new Set());
  const add = (from: string, to: string, mode: CallMode): void => {
    const key = `${from}>${to}`;
    if (!all.has(key)) all.set(key, { from, to, mode });
    near(from).add(to);
    near(to).add(from);
  };
  for (const client of plan.clients.values())
    for (const { callee, mode } of client.calls) add(client.name, callee, mode);
  for (const service of plan.services.values())
    for (const { callee, mode } of callsOf(service)) add(service.name, callee, mode);
  return { all: [...all.values()], neighbours };
}

export interface GraphViewOptions {
  readonly plan: Plan;
  readonly calls: Calls;
  readonly client: string;
  readonly hops: readonly Hop[];
  readonly selected: string;
  readonly focus: Focus;
  /** Groups that are not folded. */
  readonly open: ReadonlySet<string>;
  readonly findings: ReadonlyMap<string, 'error' | 'warning'>;
}

/** With more nodes than this, groups are folded. */
const FOLDED_FROM = 120;
const MAX_CLIENTS = 5;
const CLIENTS = 'clients';
const MAX_BOXES = 2;
/** Of more lines, only those of the request and the thickest are drawn. */
const MAX_LINES = 150;

export function graphElements(options: GraphViewOptions): GraphElements {
  const { plan, calls, client, hops, open, findings } = options;
  const modes = new Map(
    hops.map((hop) => [`${hop.parent?.view.service ?? client}>${hop.view.service}`, hop.view.mode]),
  );
  const lit = new Set([client, ...hops.map(({ view }) => view.service)]);
  const visible = visibleIn(options, lit);
  const groups = new Groups(plan);
  const folds = visible.size > FOLDED_FROM && groups.some;
  const boxed = folds || groups.boxes(visible);
  const standIn = (name: string): string => {
    if (!folds) return name;
    const group = plan.clients.has(name) && plan.clients.size > MAX_CLIENTS ? CLIENTS : groups.find(name);
    return group !== undefined && !open.has(group) ? groups.id(group) : name;
  };
  const nodes = new Map<string, GraphNode & { count: number }>();
  for (const name of visible) {
    const id = standIn(name);
    const known = nodes.get(id);
    const group = groups.find(name);
    const count = (known?.count ?? 0) + 1;
    nodes.set(id, {
      id,
      label: id === name ? name : `${groupOf(id)} · ${count}`,
      note: id === name && !boxed && groups.kind === 'zone' ? group : undefined,
      kind: id === name ? kindOf(plan, name) : 'group',
      box: id === name && boxed && group !== undefined ? groups.id(group) : undefined,
      lit: lit.has(name) || (known?.lit ?? false),
      finding: worse(findings.get(name), known?.finding),
      count,
    });
  }
  const boxes = [...new Set([...nodes.values()].flatMap(({ box }) => box ?? []))];
  const lines = linesOf(calls, visible, standIn, modes);
  const drawn = lines.length <= MAX_LINES ? lines : lines.toSorted(byWeight).slice(0, MAX_LINES);
  return {
    nodes: [...nodes.values()],
    boxes: boxes.map((id) => ({ id, label: groups.title(id) })),
    lines: drawn,
    left: lines.length - drawn.length,
    folded: [...nodes.values()].filter(({ kind }) => kind === 'group').length,
  };
}

function visibleIn(
  { plan, calls, focus, selected }: GraphViewOptions,
  lit: ReadonlySet<string>,
): ReadonlySet<string> {
  if (focus === 'request') return lit;
  if (focus === 'around')
    return new Set(selected === '' ? lit : [selected, ...(calls.neighbours.get(selected) ?? [])]);
  return new Set([...plan.clients.keys(), ...plan.services.keys(), ...calls.neighbours.keys()]);
}

function kindOf(plan: Plan, name: string): GraphNode['kind'] {
  return plan.services.has(name) ? 'service' : plan.clients.has(name) ? 'client' : 'outside';
}

function worse(one: GraphNode['finding'], other: GraphNode['finding']): GraphNode['finding'] {
  return one === 'error' || other === 'error' ? 'error' : (one ?? other);
}

function linesOf(
  calls: Calls,
  visible: ReadonlySet<string>,
  standIn: (name: string) => string,
  modes: ReadonlyMap<string, CallMode>,
): GraphLine[] {
  const lines = new Map<string, GraphLine>();
  for (const { from, to, mode } of calls.all) {
    if (!visible.has(from) || !visible.has(to)) continue;
    const [start, end] = [standIn(from), standIn(to)];
    if (start === end) continue;
    const made = modes.get(`${from}>${to}`);
    const known = lines.get(`${start}>${end}`);
    lines.set(`${start}>${end}`, {
      from: start,
      to: end,
      mode: made ?? (known?.lit ? known.mode : mode),
      lit: made !== undefined || (known?.lit ?? false),
      count: (known?.count ?? 0) + 1,
    });
  }
  return [...lines.values()];
}

function byWeight(a: GraphLine, b: GraphLine): number {
  return Number(b.lit) - Number(a.lit) || b.count - a.count;
}

/** Groups services by zone if the graph has zones, else by owner. */
class Groups {
  readonly kind: 'zone' | 'owner';
  readonly #of = new Map<string, string>();

  constructor(plan: Plan) {
    const services = [...plan.services.values()];
    this.kind = services.some(({ zone }) => zone !== undefined) ? 'zone' : 'owner';
    for (const service of services) {
      const group = service[this.kind];
      if (group !== undefined) this.#of.set(service.name, group);
    }
  }

  get some(): boolean {
    return this.#of.size > 0;
  }

  /** Whether zones are drawn as boxes: many boxes would overlap. */
  boxes(visible: ReadonlySet<string>): boolean {
    const seen = new Set([...visible].map((name) => this.#of.get(name)));
    seen.delete(undefined);
    return this.kind === 'zone' && seen.size <= MAX_BOXES;
  }

  find(name: string): string | undefined {
    return this.#of.get(name);
  }

  /** Names have no colon, so a group's id differs from every service's. */
  id(group: string): string {
    return `${this.kind}:${group}`;
  }

  title(id: string): string {
    return id.replace(':', ' ');
  }
}

export const groupOf = (id: string): string => id.slice(id.indexOf(':') + 1);
