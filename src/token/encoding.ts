/** How a tree travels. */

import type { Encoding } from '../protocol.ts';
import { isPacked } from './packed/prefix.ts';
import type { VerifiedToken } from './verify.ts';

/** The coding in which a token came; undefined where it has no children, and so is the same in either. */
export function encodingOf({
  compact,
  claims,
}: Pick<VerifiedToken, 'compact' | 'claims'>): Encoding | undefined {
  if (isPacked(compact)) return 'packed';
  return Object.keys(claims.embedded ?? {}).length > 0 ? 'nested' : undefined;
}
