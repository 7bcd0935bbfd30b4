/** All that is fuzzed. */
import type { Target } from '../target.ts';
import { addresses } from './addresses.ts';
import { certificates } from './certificates.ts';
import { graphs } from './graphs.ts';
import { headers } from './headers.ts';
import { keySets } from './key-sets.ts';
import { proofs } from './proofs.ts';
import { requests } from './requests.ts';
import { nestedTokens, packedTokens } from './tokens.ts';
import { traces } from './traces.ts';
import { trees } from './trees.ts';

export const targets: readonly Target[] = [
  packedTokens,
  nestedTokens,
  requests,
  headers,
  proofs,
  certificates,
  keySets,
  addresses,
  graphs,
  traces,
  trees,
];
