/**
 * What the tokens of one tree must have in common, beside what `unfoldTree` has checked of each child and its parent: one
 * client, and one value for each claim that several of them carry.
 */
import { parseExactly, stringifyExactly } from '../../input/exact-number.ts';
import { payloadTextOf, type TokenTree } from '../../token/index.ts';

/** A token of the tree that differs from another. */
export interface Disagreement {
  /** Names from the root down; empty for the root. */
  readonly path: readonly string[];
  readonly claim: string;
}

/** Claims that each token has for itself. */
const OF_ONE_TOKEN = new Set('aud scope exp iat nbf jti act cnf embedded on_demand held'.split(' '));

/** @returns a claim of a token for each that has another value than in a token before, parents before children. */
export function disagreements(root: TokenTree): readonly Disagreement[] {
  const values = new Map<string, string>();
  const found: Disagreement[] = [];
  const look = (node: TokenTree, path: readonly string[]): void => {
    // As written: two ids of 17 digits may differ in the last.
    const payload = parseExactly(payloadTextOf(node.compact)) as Readonly<Record<string, unknown>>;
    for (const [claim, value] of Object.entries(payload)) {
      if (OF_ONE_TOKEN.has(claim)) continue;
      const text = stringifyExactly(value);
      const known = values.get(claim) ?? text;
      values.set(claim, known);
      if (known !== text) found.push({ path, claim });
    }
    for (const child of node.children) look(child, [...path, child.name]);
  };
  look(root, []);
  return found;
}
