/** Pictures the token tree of a request, with the bytes of every token. */
import { termTexts, type Plan } from '../../graph/index.ts';
import type { CallView, RequestPlan } from '../../planning/index.ts';
import { nodeOf } from './graph-picture.ts';
import {
  groupByZone,
  percentOf,
  zoneOf,
  NAMED_SCOPES,
  type Arrow,
  type Line,
  type Load,
  type Picture,
  type Placed,
} from './picture.ts';

const NOTE = "Sizes are worst case, against the receiver's header budget.";

export function requestPicture(plan: Plan, { client, scope, tokens, depth, root }: RequestPlan): Picture {
  const arrows: Arrow[] = [];
  const placed: Placed[] = [{ node: nodeOf('client', client) }];
  const add = (view: CallView, from: string): void => {
    const service = plan.services.get(view.service);
    // A token has one child per callee, so the path is unique.
    const id = `${from}/${view.service}`;
    const kind = service ? 'service' : 'outside';
    placed.push({ node: { id, kind, lines: linesOf(view), rows: [] }, zone: service && zoneOf(service) });
    arrows.push({ from: { node: from }, to: { node: id }, mode: view.mode, ...loadOf(view) });
    for (const call of view.calls) add(call, id);
  };
  add(root, client);
  const size = `${tokens} ${tokens === 1 ? 'token' : 'tokens'}, ${depth} ${depth === 1 ? 'level' : 'levels'}`;
  const asked = root.scope.length > NAMED_SCOPES ? `${root.scope.length} scopes of ${root.service}` : scope;
  const title = `${client} asks for ${asked}: ${size}`;
  return { kind: 'tree', title, note: NOTE, ...groupByZone(placed), arrows };
}

function linesOf({ service, scope, claims }: CallView): Line[] {
  return [
    { text: service, as: 'name' },
    ...wrap(scope).map((text) => ({ text, as: 'scopes' }) as const),
    ...wrap(claims).map((text) => ({ text: `{${text}}`, as: 'claims' }) as const),
  ];
}

const LINE_CHARS = 32;

/** Wraps names into lines that fit a box. */
function wrap(names: readonly string[]): string[] {
  const lines: string[] = [];
  for (const name of names) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + name.length < LINE_CHARS)
      lines[lines.length - 1] = `${last} ${name}`;
    else lines.push(name);
  }
  return lines;
}

/** The token's worst-case bytes as it travels, and how much of the header budget they use. */
function loadOf(view: CallView): Pick<Arrow, 'lines' | 'load'> {
  const { bytes, coding, budget, moved, scope, probability } = view;
  const often = [...termTexts(view, scope.length), ...(probability < 1 ? [percentOf(probability)] : [])];
  if (!bytes || !budget) return { lines: [...(moved ? ['too large to travel inside'] : []), ...often] };
  const taken = coding === 'packed' ? bytes.packed : bytes.nested;
  const size = `${taken.toLocaleString('en')} B`;
  const { limit, profile, fits } = budget;
  if (limit === null) return { lines: [size, 'no limit known', ...often], load: 'fits' };
  const share = taken / Math.max(1, limit);
  const load: Load = !fits ? 'over' : share > 0.8 ? 'tight' : 'fits';
  const available = `${limit.toLocaleString('en')} (${profile})`;
  const how = fits
    ? `${Math.max(1, Math.round(share * 100))} % of ${available}`
    : `does not fit ${available}`;
  return { lines: [size, how, ...often], load };
}
