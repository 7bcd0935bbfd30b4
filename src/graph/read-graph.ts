/**
 * From paths to a plan: read, parse, insert variables, compare with the schema, merge, declare, judge, compile.
 * Every stage adds to the same findings; the plan exists only where none of them is an error.
 */
import { basename, extname, resolve } from 'node:path';
import { Acceptances } from './acceptance.ts';
import { compile, lineageOf } from './compile/compile.ts';
import type { Plan } from './compile/plan.ts';
import { depths, reportCycles, scopeGraph, sortScopes } from './compile/scope-graph.ts';
import { dayOf } from './day.ts';
import type { GraphDeclaration } from './declare/declaration.ts';
import { withoutEndedCalls } from './declare/ended-calls.ts';
import { readDeclaration } from './declare/read.ts';
import { Findings, type SourceText } from './finding.ts';
import { AFTER_FORM, ON_TREES } from './follow-ups.ts';
import { readSources } from './load/files.ts';
import { KnownFiles } from './load/known-files.ts';
import { mergeFiles } from './load/merge.ts';
import { checkShape } from './load/schema.ts';
import { declareVariables } from './load/declared-variables.ts';
import { Variables } from './load/variables.ts';
import { parseYaml, type MapNode } from './load/yaml.ts';
import { checkCalls } from './rules/calls.ts';
import { checkClaims } from './rules/claims.ts';
import { checkIntrospection } from './rules/introspection.ts';
import { checkNames } from './rules/names.ts';
import { checkOwners } from './rules/owners.ts';
import { checkParties } from './rules/parties.ts';
import { checkProfiles, type KnownProfiles } from './rules/profiles.ts';
import { checkSigning } from './rules/signing.ts';
import { checkSubjects } from './rules/subjects.ts';
import { checkReach } from './rules/reach.ts';
import { plannedTrees, type PlannedTrees } from './rules/planned-trees.ts';
import { checkSealing } from './rules/sealing.ts';
import { checkSelectors } from './rules/selectors.ts';
import { checkThrough } from './rules/through.ts';
import { checkTrees } from './rules/trees.ts';
import { checkUntil } from './rules/until.ts';
import { checkUnusedDeclarations } from './rules/unused-declarations.ts';

export interface GraphOptions {
  /** Values for `vars`, over those in the files. */
  readonly variables?: ReadonlyMap<string, string>;
  /** Whether the issuer may have an http URL on another host than loopback. Default: no. */
  readonly allowHttpIssuer?: boolean;
  /** The header-limit profiles that a graph may name; absent: names of profiles are not judged. */
  readonly profiles?: KnownProfiles;
  /** Whether to leave out the trees of a graph that is sound without them. Default: no. */
  readonly withoutTrees?: boolean;
  /** Seconds since the epoch: which calls have ended. */
  readonly now: number;
  /** Of a graph that was read before; this one is added. Default: every file is read. */
  readonly known?: KnownFiles;
}

export interface GraphReading {
  /** Absent where names or calls are in error; it may still break a limit. */
  readonly plan: Plan | undefined;
  /**
   * What can be checked for its sizes even where something else is in error: the plan without the calls, scopes and
   * claims that nothing declares. Absent where there is no sound tree to look at.
   */
  readonly measurable: Plan | undefined;
  /** What the checks look at: each client's single scopes, default scopes, all of an entry, and what services fetch. */
  readonly trees: PlannedTrees | undefined;
  readonly findings: Findings;
  /** Which of them are accepted; absent where the files could not all be read. */
  readonly acceptances: Acceptances | undefined;
  /** The files that were read. */
  readonly files: readonly string[];
}

/** @param paths graph files, or folders of them. */
export function readGraph(paths: readonly string[], options: GraphOptions): GraphReading {
  const findings = new Findings();
  const { declaration: whole, ...read } = declare(paths, options, findings);
  if (!whole) return { plan: undefined, measurable: undefined, trees: undefined, findings, ...read };
  checkUntil(whole, options.now, findings);
  const declaration = withoutEndedCalls(whole, dayOf(options.now));
  judge(declaration, options, findings);
  return { ...compileTrees(declaration, options, findings), findings, ...read };
}

/** The files' own trees are large; they are gone once this returns. */
function declare(
  paths: readonly string[],
  options: GraphOptions,
  findings: Findings,
): Pick<GraphReading, 'acceptances' | 'files'> & { readonly declaration?: GraphDeclaration } {
  const sources = readSources(paths, findings);
  const files = sources.map((source) => source.file);
  const allRead = !findings.hasErrors;
  const known = options.known ?? new KnownFiles();
  const roots = parse(sources, known, findings);
  // A file that could not be read may declare what the others name: their names are judged when it can.
  const whole = allRead && roots.length === sources.length;
  if (!whole) findings.markMisread('/vars');
  const filled = fillIn(roots, options, whole ? findings : new Findings());
  if (findings.has('duplicate-key')) findings.markMisread(''); // what the second one held is lost
  const [first, ...others] = filled;
  if (first === undefined) {
    findings.leaveOut(...AFTER_FORM);
    return { acceptances: undefined, files };
  }
  for (const root of [first, ...others]) if (!known.isSound(root)) checkShape(root, findings);
  const document = mergeFiles([first, ...others], findings);
  const acceptances = new Acceptances(document, findings);
  if (!whole || findings.isFull) {
    findings.leaveOut(...AFTER_FORM);
    return { acceptances, files };
  }
  known.keep(roots, findings);
  const texts = new Map(roots.map(({ source }, index) => [source, files[index]!]));
  const declaration = readDeclaration(document, nameOf(paths), known, texts);
  return { declaration, acceptances, files };
}

function parse(sources: readonly SourceText[], known: KnownFiles, findings: Findings): MapNode[] {
  return sources.flatMap((source) => {
    const root = known.root(source.text) ?? parseYaml(source, findings, known.names);
    if (!root) return [];
    if (root.kind === 'map') return [root];
    findings.add('wrong-type', root, 'A graph file is a mapping.', 'It begins with `waybill: 1`.');
    return [];
  });
}

function fillIn(roots: readonly MapNode[], options: GraphOptions, findings: Findings): MapNode[] {
  const variables = declareVariables(roots, options.variables ?? new Map(), findings);
  const filling = new Variables(variables, findings);
  const filled = roots.map((root) => filling.fillFile(root));
  for (const [name, { key }] of variables) {
    if (name.startsWith('x-') || filling.isUsed(name)) continue;
    findings.add(
      'unused-variable',
      key,
      `Nothing uses the variable ${name}.`,
      `Write \${${name}} where its value belongs, or take it out.`,
    );
  }
  return filled;
}

function nameOf(paths: readonly string[]): string {
  const [path = 'graph'] = paths;
  const full = resolve(path);
  return basename(full, extname(full)) || 'graph';
}

function judge(declaration: GraphDeclaration, options: GraphOptions, findings: Findings): void {
  checkNames(declaration, findings); // first: names that other findings may only follow from
  checkParties(declaration, options.allowHttpIssuer ?? false, findings);
  checkSigning(declaration, findings);
  checkClaims(declaration, findings);
  checkSubjects(declaration, findings);
  checkIntrospection(declaration, findings);
  if (options.profiles) checkProfiles(declaration, options.profiles, findings);
  checkCalls(declaration, findings);
  checkOwners(declaration, findings);
  checkSealing(declaration, findings);
  checkSelectors(declaration, findings);
  checkThrough(declaration, (service) => lineageOf(service, declaration), findings);
  checkReach(declaration, findings);
  checkUnusedDeclarations(declaration, findings);
}

function compileTrees(
  declaration: GraphDeclaration,
  { withoutTrees = false }: GraphOptions,
  findings: Findings,
): Pick<GraphReading, 'plan' | 'measurable' | 'trees'> {
  const embedding = scopeGraph(declaration);
  const { order, left } = sortScopes(embedding);
  reportCycles(embedding, left, findings);
  const sound = !findings.hasErrors;
  // Without an order of scopes, or with calls of which nobody knows the mode, there is no tree to look at.
  const measurable = findings.has('cycle', 'conflicting-calls') ? undefined : compile(declaration);
  if (sound && withoutTrees) return { plan: measurable, measurable, trees: undefined };
  const trees = measurable && plannedTrees(measurable, depths(embedding, order), findings);
  if (measurable && trees) checkTrees(measurable, trees, findings);
  else findings.leaveOut(...ON_TREES.filter((code) => !findings.has(code)));
  return { plan: sound ? measurable : undefined, measurable, trees };
}
