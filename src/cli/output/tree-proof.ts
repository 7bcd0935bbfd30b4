/** `waybill token inspect --prove`: what a tree proves by itself, and what only a graph can say. */
import { unplannedSteps, type TreeFault } from '../../planning/access/index.ts';
import type { Plan } from '../../graph/index.ts';
import type { TokenTree } from '../../token/index.ts';
import { paint, plain } from './terminal.ts';
import { disagreements } from './tree-agreement.ts';

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
  const differing = disagreements(tree).map(({ path, claim }) => ({
    path,
    fault: `its ${claim} is another than in the tokens before it`,
  }));
  const steps = plan ? unplannedSteps(plan, tree) : [];
  const faults = [...differing, ...steps];
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
