/** The `issuer.limits` that the trees of a draft need if the defaults are too small. */
import { DEFAULT_LIMITS } from '../../../protocol.ts';
import type { Draft, DraftService } from './draft.ts';

/** The maxima of the graph language. */
const MOST = { tokens: 4096, depth: 64 };

/** @param services without cycles of embedded calls. */
export function requiredLimits(services: readonly DraftService[]): Draft['limits'] {
  const sizes = sizesOf(services);
  const tokens = Math.max(1, ...[...sizes.values()].map((size) => size.tokens));
  const depth = Math.max(1, ...[...sizes.values()].map((size) => size.depth));
  return {
    ...(tokens > DEFAULT_LIMITS.tokens ? { tokens: Math.min(tokens, MOST.tokens) } : {}),
    ...(depth > DEFAULT_LIMITS.depth ? { depth: Math.min(depth, MOST.depth) } : {}),
  };
}

/** By scope: upper bounds for tokens and levels of its tree; merged calls take fewer. */
function sizesOf(services: readonly DraftService[]): Map<string, { tokens: number; depth: number }> {
  const byNode = new Map<string, DraftService>();
  for (const service of services)
    for (const scope of service.scopes) byNode.set(`${service.name}:${scope.name}`, service);
  const sizes = new Map<string, { tokens: number; depth: number }>();
  const callsOf = (node: string): readonly string[] => {
    const service = byNode.get(node);
    if (!service) return [];
    const scope = service.scopes.find(({ name }) => `${service.name}:${name}` === node);
    return [...service.calls, ...(scope?.calls ?? [])].flatMap(({ callee, scopes, mode }) =>
      mode === 'embed' ? scopes.map((one) => `${callee}:${one}`) : [],
    );
  };
  for (const start of byNode.keys()) {
    const path = [start];
    for (let node = path.at(-1); node !== undefined; node = path.at(-1)) {
      const below = callsOf(node);
      const open = below.find((one) => byNode.has(one) && !sizes.has(one));
      if (open !== undefined) {
        path.push(open);
        continue;
      }
      path.pop();
      let [tokens, depth] = [1, 1];
      for (const one of below) {
        const size = sizes.get(one);
        tokens += size?.tokens ?? 0;
        depth = Math.max(depth, 1 + (size?.depth ?? 0));
      }
      sizes.set(node, { tokens, depth });
    }
  }
  return sizes;
}
