/**
 * Sorts nodes so that each stands before those that it leads to. The nodes of cycles have no such order: they are left, and
 * with them every node that they lead to.
 *
 * @param nodes all of them.
 */
export function topologicalOrder<Node>(
  nodes: Iterable<Node>,
  next: (node: Node) => readonly Node[],
): { readonly order: readonly Node[]; readonly left: ReadonlySet<Node> } {
  const waiting = new Map<Node, number>(Array.from(nodes, (node) => [node, 0]));
  for (const node of waiting.keys()) for (const each of next(node)) waiting.set(each, waiting.get(each)! + 1);
  const order = [...waiting.keys()].filter((node) => waiting.get(node) === 0);
  for (const node of order) waiting.delete(node);
  for (const node of order) {
    for (const each of next(node)) {
      const before = waiting.get(each)! - 1;
      waiting.set(each, before);
      if (before > 0) continue;
      waiting.delete(each);
      order.push(each);
    }
  }
  return { order, left: new Set(waiting.keys()) };
}
