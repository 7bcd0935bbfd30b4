/** Every finding that a check can make: how grave it is, and what `waybill explain CODE` says of it. */
import type { Explanation } from './explanations/explanation.ts';
import { ofFiles } from './explanations/files.ts';
import { ofNames } from './explanations/names.ts';
import { ofTrees } from './explanations/trees.ts';

export type { Explanation };

/**
 * Every finding that a check can make, by its code: how grave it is, and what `waybill explain CODE` says of it.
 *
 * @example
 * ```ts
 * import { explanations } from 'waybill';
 *
 * for (const [code, { severity, title }] of Object.entries(explanations)) console.log(severity, code, title);
 * ```
 */
export const explanations = {
  ...ofFiles,
  ...ofNames,
  ...ofTrees,
} satisfies Record<string, Explanation>;

/** A stable name for one kind of finding; `waybill explain CODE` says more about it. */
export type FindingCode = keyof typeof explanations;
