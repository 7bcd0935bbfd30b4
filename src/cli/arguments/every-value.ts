/** Compiles a graph with all values that its variables can have. */
import { WaybillError } from '../../errors.ts';
import { valueCombinations, type Finding } from '../../graph/index.ts';
import { judgeOverlays } from '../../architect/diff/index.ts';
import { compileGraph, type Compiled } from '../../planning/index.ts';
import { graphOptions, type GraphArguments } from './graph-arguments.ts';

/** Each is compiled by itself. */
const MOST = 64;
/** Combinations that a finding names. */
const SHOWN = 3;

/**
 * @returns the outcome for the first combination, with the findings of all; a finding of only some says of which.
 * @throws WaybillError `graph_invalid` if there are too many combinations to check.
 */
export function compileEveryValue(paths: readonly string[], options: GraphArguments): Compiled {
  const common = graphOptions(options);
  const { count, list } = valueCombinations(paths, common.variables, MOST);
  if (count > MOST)
    throw new WaybillError(
      'graph_invalid',
      `The variables of this graph have ${count} combinations of values, and --every-value checks at most ${MOST}. Fix some of them with --var.`,
    );
  const all = list.map((variables) => ({
    label: [...variables]
      .flatMap(([name, value]) => (common.variables.has(name) ? [] : [`${name}=${value}`]))
      .join(' '),
    compiled: compileGraph(paths, { ...common, variables, judgeOverlays }),
  }));
  const [first] = all.map(({ compiled }) => compiled) as [Compiled];
  const isSound = all.every(({ compiled }) => compiled.plan !== undefined);
  return {
    ...first,
    plan: isSound ? first.plan : undefined,
    findings: mergeFindings(
      all.map(({ label, compiled }) => [label, compiled.findings]),
      all.length,
    ),
    leftOut: [...new Set(all.flatMap(({ compiled }) => compiled.leftOut))],
    accepted: distinct(all.flatMap(({ compiled }) => compiled.accepted)),
  };
}

function mergeFindings(
  found: readonly (readonly [label: string, findings: readonly Finding[]])[],
  combinations: number,
): Finding[] {
  const labels = new Map<string, string[]>();
  for (const [label, findings] of found)
    for (const finding of findings)
      labels.set(keyOf(finding), [...(labels.get(keyOf(finding)) ?? []), label]);
  return distinct(found.flatMap(([, findings]) => findings)).map((finding) => {
    const where = labels.get(keyOf(finding)) ?? [];
    return where.length === combinations
      ? finding
      : { ...finding, hint: `${finding.hint} Only with ${shown(where)}.`.trim() };
  });
}

function shown(labels: readonly string[]): string {
  const more = labels.length - SHOWN;
  return `${labels.slice(0, SHOWN).join('; ')}${more > 0 ? ` and ${more} more combinations` : ''}`;
}

function distinct<Each extends Finding>(findings: readonly Each[]): Each[] {
  return [...new Map(findings.map((finding) => [keyOf(finding), finding])).values()];
}

function keyOf({ code, file, line, column, message }: Finding): string {
  return JSON.stringify([code, file, line, column, message]);
}
