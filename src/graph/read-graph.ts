/**
 * From paths to a plan: read, parse, insert variables, apply overlays, compare with the schema, merge, declare, judge, compile.
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
import { Findings } from './finding.ts';
import { AFTER_FORM, ON_TREES } from './follow-ups.ts';
import { readSources } from './load/files.ts';
import { KnownFiles } from './load/known-files.ts';
import { mergeFiles, type GraphDocument } from './load/merge.ts';
import type { Restatement } from './load/overlays/apply.ts';
import { Layers, MAX_OVERLAYS, filesByLayer, type FilesByLayer } from './load/overlays/layers.ts';
import { parseFiles } from './load/parse-files.ts';
import { checkShape } from './load/schema.ts';
import type { MapNode } from './load/yaml.ts';
import { checkCalls } from './rules/calls.ts';
import { checkClaims } from './rules/claims.ts';
import { checkIntrospection } from './rules/introspection.ts';
import { checkNames } from './rules/names.ts';
import { checkOwners } from './rules/owners.ts';
import { checkParties } from './rules/parties.ts';
import { checkProfiles, type KnownProfiles } from './rules/profiles.ts';
import { checkSigning } from './rules/signing.ts';
import { checkConditions } from './rules/conditions.ts';
import { checkOverlayTargets } from './rules/overlay-targets.ts';
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
  /** What overlays changed; absent without overlays, and where the files could not all be read. */
  readonly overlaid: OverlaidGraph | undefined;
}

export interface OverlaidGraph {
  /** The overlays, in the order in which they were applied. */
  readonly files: readonly string[];
  /** In the order in which they were applied. */
  readonly changes: readonly Restatement[];
  /**
   * The graph with only the first of these changes, without what nothing declares in it; undefined where there is no sound
   * tree to look at.
   */
  readonly planAfter: (changes: number) => Plan | undefined;
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

/** The files' own trees are large; without overlays they are gone once this returns. */
function declare(
  paths: readonly string[],
  options: GraphOptions,
  findings: Findings,
): Pick<GraphReading, 'acceptances' | 'files' | 'overlaid'> & { readonly declaration?: GraphDeclaration } {
  const sources = readSources(paths, findings);
  const files = sources.map((source) => source.file);
  const allRead = !findings.hasErrors;
  const known = options.known ?? new KnownFiles();
  const parsed = parseFiles(sources, known, findings);
  const layered = filesByLayer(parsed, paths);
  requireOrdinaryFiles(layered, findings);
  // A file that could not be read may declare what the others name: their names are judged when it can.
  const whole = allRead && parsed.length === sources.length && !findings.has('no-files');
  if (!whole) findings.markMisread('/vars');
  const layers = new Layers(layered, options.variables ?? new Map());
  const resolved = layers.resolve(whole ? findings : new Findings());
  if (findings.has('duplicate-key')) findings.markMisread(''); // what the second one held is lost
  const [first, ...others] = resolved.roots;
  if (first === undefined) {
    findings.leaveOut(...AFTER_FORM);
    return { acceptances: undefined, files, overlaid: undefined };
  }
  const check = (root: MapNode, options = {}): void => {
    if (!known.isSound(root)) checkShape(root, findings, options);
  };
  for (const overlay of resolved.overlays) check(overlay, { kind: 'overlay' });
  // What an overlay replaces must be right too: it may be a secret.
  for (const [at, root] of resolved.ordinary.entries())
    if (root !== resolved.roots[at]) check(root, { isPart: true });
  for (const root of resolved.roots) check(root);
  const document = mergeFiles([first, ...others], findings);
  const acceptances = new Acceptances(document, resolved.overlays, findings);
  if (!whole || findings.isFull) {
    findings.leaveOut(...AFTER_FORM);
    return { acceptances, files, overlaid: undefined };
  }
  checkOverlayTargets(resolved.unmatched, findings);
  const asChecked = layered.ordinary.filter((_, at) => resolved.roots[at] === resolved.ordinary[at]);
  known.keep([...asChecked, ...layered.overlays], findings);
  const name = nameOf(layered);
  const texts = new Map(parsed.map(({ root, file }) => [root.source, file]));
  const overlaid: OverlaidGraph | undefined =
    layered.overlays.length === 0
      ? undefined
      : {
          files: layered.overlays.map(({ source }) => source.file),
          changes: resolved.changes,
          planAfter: (changes) =>
            draftOf(layers.rootsAfter(changes), (document) =>
              withoutEndedCalls(readDeclaration(document, name, known, texts), dayOf(options.now)),
            ),
        };
  return { declaration: readDeclaration(document, name, known, texts), acceptances, files, overlaid };
}

function requireOrdinaryFiles({ ordinary, overlays, unused }: FilesByLayer, findings: Findings): void {
  const all = [...overlays, ...unused];
  if (all.length > MAX_OVERLAYS)
    findings.add(
      'too-many-files',
      all[MAX_OVERLAYS],
      `More than ${MAX_OVERLAYS} overlays were found, which is the most that a graph has.`,
      'Name the folder that holds only the graph.',
    );
  if (ordinary.length === 0 && all.length > 0)
    findings.add(
      'no-files',
      all[0],
      'Only overlays were named, and an overlay changes what ordinary files declare.',
      'Name those too, before the overlay: waybill check shop env/prod.yaml.',
    );
}

/** The graph of these trees as far as it can be compared with another. */
function draftOf(
  roots: readonly MapNode[],
  declarationOf: (document: GraphDocument) => GraphDeclaration,
): Plan | undefined {
  const [first, ...others] = roots;
  if (!first) return undefined;
  const findings = new Findings(); // whoever reads the whole graph gets them
  const declaration = declarationOf(mergeFiles([first, ...others], findings));
  checkCalls(declaration, findings);
  return measurablePlan(declaration, findings).measurable;
}

/** By default the name of the first path that is no overlay. */
function nameOf({ ordinaryPaths: [path = 'graph'] }: FilesByLayer): string {
  const full = resolve(path);
  return basename(full, extname(full)) || 'graph';
}

function judge(declaration: GraphDeclaration, options: GraphOptions, findings: Findings): void {
  checkNames(declaration, findings); // first: names that other findings may only follow from
  checkParties(declaration, options.allowHttpIssuer ?? false, findings);
  checkSigning(declaration, findings);
  checkClaims(declaration, findings);
  checkSubjects(declaration, findings);
  checkConditions(declaration, findings);
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
  const { embedding, order, measurable } = measurablePlan(declaration, findings);
  const sound = !findings.hasErrors;
  if (sound && withoutTrees) return { plan: measurable, measurable, trees: undefined };
  const trees = measurable && plannedTrees(measurable, depths(embedding, order), findings);
  if (measurable && trees) checkTrees(measurable, trees, findings);
  else findings.leaveOut(...ON_TREES.filter((code) => !findings.has(code)));
  return { plan: sound ? measurable : undefined, measurable, trees };
}

function measurablePlan(declaration: GraphDeclaration, findings: Findings) {
  const embedding = scopeGraph(declaration);
  const { order, left } = sortScopes(embedding);
  reportCycles(embedding, left, findings);
  // Without an order of scopes, or with calls of which nobody knows the mode, there is no tree to look at.
  const measurable = findings.has('cycle', 'conflicting-calls') ? undefined : compile(declaration);
  return { embedding, order, measurable };
}
