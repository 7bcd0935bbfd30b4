/** What one request issues: its token tree, every hop with its bytes. */
import type { Plan } from '../../graph/index.ts';
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

const NOTE = 'Bytes are of each token at its largest, against the room that its hop leaves for it.';

export function requestPicture(plan: Plan, { client, scope, tokens, depth, root }: RequestPlan): Picture {
  const arrows: Arrow[] = [];
  const placed: Placed[] = [{ node: nodeOf('client', client) }];
  const add = (view: CallView, from: string): void => {
    const service = plan.services.get(view.service);
    // A token has one child for each callee: the way down is a name of its own.
    const id = `${from}/${view.service}`;
    const kind = service ? 'service' : 'outside';
    placed.push({ node: { id, kind, lines: linesOf(view), rows: [] }, zone: service && zoneOf(service) });
    arrows.push({ from: { node: from }, to: { node: id }, mode: view.mode, ...hopOf(view) });
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
    ...wrapped(scope).map((text) => ({ text, as: 'scopes' }) as const),
    ...wrapped(claims).map((text) => ({ text: `{${text}}`, as: 'claims' }) as const),
  ];
}

const LINE_CHARS = 32;

/** Names in lines of a length that a box can have. */
function wrapped(names: readonly string[]): string[] {
  const lines: string[] = [];
  for (const name of names) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + name.length < LINE_CHARS)
      lines[lines.length - 1] = `${last} ${name}`;
    else lines.push(name);
  }
  return lines;
}

/** The token's bytes as it travels, at its largest, and how much of the room they take. */
function hopOf({ bytes, coding, budget, moved, probability }: CallView): Pick<Arrow, 'lines' | 'load'> {
  const often = probability < 1 ? [percentOf(probability)] : [];
  if (!bytes || !budget) return { lines: [...(moved ? ['too large to embed'] : []), ...often] };
  const taken = coding === 'packed' ? bytes.packed : bytes.nested;
  const size = `${taken.toLocaleString('en')} B`;
  const { limit, profile, fits } = budget;
  if (limit === null) return { lines: [size, 'no limit known', ...often], load: 'fits' };
  const share = taken / Math.max(1, limit);
  const load: Load = !fits ? 'over' : share > 0.8 ? 'tight' : 'fits';
  const room = `${limit.toLocaleString('en')} (${profile})`;
  const how = fits ? `${Math.max(1, Math.round(share * 100))} % of ${room}` : `does not fit ${room}`;
  return { lines: [size, how, ...often], load };
}
