/** Whether two trees of nodes are the same: whether both write the same nested token, and the same packed one. */

import type { MembersPayload, Payload, TokenNode } from './node.ts';

export function sameNode(a: TokenNode, b: TokenNode): boolean {
  if (a.kind === 'opaque' || b.kind === 'opaque') {
    return a.kind === 'opaque' && b.kind === 'opaque' && a.text === b.text;
  }
  return (
    a.header === b.header &&
    a.length === b.length &&
    a.travelsNested === b.travelsNested &&
    a.signature === b.signature &&
    samePayload(a.payload, b.payload)
  );
}

function samePayload(a: Payload, b: Payload): boolean {
  if (a.kind === 'raw' || b.kind === 'raw') {
    return a.kind === 'raw' && b.kind === 'raw' && a.bytes === b.bytes;
  }
  return (
    sameTexts(a.names, b.names) &&
    sameTexts(a.values, b.values) &&
    (a.children.length === 0 || a.childrenAt === b.childrenAt) &&
    sameChildren(a, b)
  );
}

function sameChildren({ children: a }: MembersPayload, { children: b }: MembersPayload): boolean {
  return (
    a.length === b.length && a.every(({ name, node }, i) => name === b[i]!.name && sameNode(node, b[i]!.node))
  );
}

function sameTexts(a: readonly string[], b: readonly string[]): boolean {
  return a === b || (a.length === b.length && a.every((text, i) => text === b[i]));
}
