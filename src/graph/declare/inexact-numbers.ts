/** Numbers of a graph that a token cannot carry: in values of claims, and in what claims are compared with (`when`). */
import { isExactNumber } from '../../input/exact-number.ts';
import type { GraphDocument } from '../load/merge.ts';
import type { Node, ScalarNode } from '../load/yaml.ts';
import type { InexactNumber } from './declaration.ts';
import { Fields } from './fields.ts';

/** @returns each number once, however many aliases name it. */
export function inexactNumbers({ sections }: GraphDocument): InexactNumber[] {
  const seen = new Set<Node>();
  const claims = [...sections.claims.values()].flatMap(({ value }) => {
    const claim = new Fields(value);
    return [claim.at('value'), claim.at('values')];
  });
  const clients = [...sections.clients.values()].flatMap(({ value }) => {
    const client = new Fields(value);
    const calls = client.entries('calls').map(([, call]) => new Fields(call.value).at('when'));
    return [client.at('claims'), ...calls];
  });
  return [...claims, ...clients].flatMap((node) => (node === undefined ? [] : inexactIn(node, seen)));
}

function inexactIn(root: Node, seen: Set<Node>): InexactNumber[] {
  const found: InexactNumber[] = [];
  const open = [root];
  for (let node = open.pop(); node; node = open.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    if (node.kind === 'list') for (const item of node.items) open.push(item);
    else if (node.kind === 'map') for (const [, { value }] of new Fields(node).entries()) open.push(value);
    else found.push(...inexact(node));
  }
  return found;
}

function inexact({ value, written, source, offset }: ScalarNode): InexactNumber[] {
  if (typeof value !== 'number' || written === undefined || isExactNumber(written, value)) return [];
  return [{ source, offset, written, value }];
}
