/** The `issuer.limits` that the trees of a draft need if the defaults are too small. */
import { DEFAULT_LIMITS } from '../../../protocol.ts';
import { embeddedCalls, type ScopeNode } from './break-cycles.ts';
import type { Draft } from './draft.ts';

/** The maxima of the graph language. */
const MOST = { tokens: 4096, depth: 64 };

/**
 * Upper bounds: merged calls take fewer tokens.
 *
 * @param calleesFirst all scopes, without cycles of embedded calls.
 */
export function requiredLimits(calleesFirst: readonly ScopeNode[]): Draft['limits'] {
  const sizes = new Map<string, { readonly tokens: number; readonly depth: number }>();
  const largest = { tokens: 1, depth: 1 };
  for (const node of calleesFirst) {
    let [tokens, depth] = [1, 1];
    for (const { target } of embeddedCalls(node)) {
      const below = sizes.get(target);
      tokens += below?.tokens ?? 0;
      depth = Math.max(depth, 1 + (below?.depth ?? 0));
    }
    sizes.set(node.key, { tokens, depth });
    largest.tokens = Math.max(largest.tokens, tokens);
    largest.depth = Math.max(largest.depth, depth);
  }
  const { tokens, depth } = largest;
  return {
    ...(tokens > DEFAULT_LIMITS.tokens ? { tokens: Math.min(tokens, MOST.tokens) } : {}),
    ...(depth > DEFAULT_LIMITS.depth ? { depth: Math.min(depth, MOST.depth) } : {}),
  };
}
