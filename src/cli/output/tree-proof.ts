/** `waybill token inspect --prove`: what a tree proves by itself, and what only a graph can say. */
import { unplannedSteps, type TreeFault } from '../../planning/access/index.ts';
import type { Plan } from '../../graph/index.ts';
import { parseExactly, stringifyExactly } from '../../input/exact-number.ts';
import { payloadTextOf, type TokenTree } from '../../token/index.ts';
import { paint, plain } from './terminal.ts';

export interface TreeProof {
  readonly holds: boolean;
  /** Whether every token has at most what a call of the graph gives; null without a graph. */
  readonly narrowed: boolean | null;
  readonly faults: readonly TreeFault[];
  /** Sealed tokens, by their paths: the signatures above cover them, and nothing is said of what is in them. */
  readonly sealed?: readonly (readonly string[])[];
}

/**
 * @param tree whose tokens all verify.
 * @param plan absent: nothing is said of scopes, whose names differ by service.
 */
export function proofOf(tree: TokenTree, plan: Plan | undefined): TreeProof {
  const steps = plan ? unplannedSteps(plan, tree) : [];
  const faults = [...disagreements(tree), ...steps];
  const sealed = sealedPaths(tree);
  return {
    holds: faults.length === 0,
    narrowed: plan ? steps.length === 0 : null,
    faults,
    ...(sealed.length === 0 ? {} : { sealed }),
  };
}

function sealedPaths(node: TokenTree, path: readonly string[] = []): (readonly string[])[] {
  return [
    ...node.sealed.map(({ name }) => [...path, name]),
    ...node.children.flatMap((child) => sealedPaths(child, [...path, child.name])),
  ];
}

/** Claims that each token has for itself. */
const OF_ONE_TOKEN = new Set('aud scope exp iat nbf jti act cnf embedded on_demand held'.split(' '));

/**
 * What the tokens of one tree must have in common, beside what `unfoldTree` has checked of each child and its parent: one
 * client, and one value for each claim that several of them carry.
 *
 * @returns a fault for each claim of a token that has another value than in a token before, parents before children.
 */
function disagreements(root: TokenTree): readonly TreeFault[] {
  const values = new Map<string, string>();
  const found: TreeFault[] = [];
  const look = (node: TokenTree, path: readonly string[]): void => {
    // As written: two ids of 17 digits may differ in the last.
    const payload = parseExactly(payloadTextOf(node.compact)) as Readonly<Record<string, unknown>>;
    for (const [claim, value] of Object.entries(payload)) {
      if (OF_ONE_TOKEN.has(claim)) continue;
      const text = stringifyExactly(value);
      const known = values.get(claim) ?? text;
      values.set(claim, known);
      if (known !== text) found.push({ path, fault: `its ${claim} is another than in the tokens before it` });
    }
    for (const child of node.children) look(child, [...path, child.name]);
  };
  look(root, []);
  return found;
}

/** What the signatures and the claims of one tree show together. */
const SHOWN = [
  'every token is signed by the issuer, and covered by the signature of its parent',
  'one issuer, subject, client and transaction in all; no token outlives its parent',
  'the actors of every token go on from those of its parent, where it names more than its presenter',
  'every claim has one value',
];

export function proofText({ holds, narrowed, faults, sealed = [] }: TreeProof): string {
  if (!holds)
    return [
      paint.red('Not proved:'),
      ...faults.map((fault) => `  ${paint.red('✗')} ${faultText(fault)}`),
    ].join('\n');
  const steps =
    narrowed === null
      ? `  ${paint.yellow('?')} whether scopes narrow from call to call: --graph says it, for their names differ by service`
      : `  ${paint.green('✓')} narrowed: every token has at most what a call of the graph gives`;
  const unread = sealed.map(
    (path) =>
      `  ${paint.yellow('?')} ${plain(path.join(' > '))} is sealed: the signature of its parent covers it, and only its service can read it`,
  );
  return [
    paint.bold('Proved:'),
    ...SHOWN.map((line) => `  ${paint.green('✓')} ${line}`),
    steps,
    ...unread,
  ].join('\n');
}

function faultText({ path, fault }: TreeFault): string {
  return `${path.length === 0 ? 'the root' : plain(path.join(' > '))}: ${plain(fault)}`;
}
