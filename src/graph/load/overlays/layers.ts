/**
 * The layers of a graph: ordinary files, then the overlays that were named. In: parsed files. Out: trees with variables
 * inserted and overlays applied, from which the graph is read as if one person had edited the ordinary files.
 */
import { resolve } from 'node:path';
import { Findings } from '../../finding.ts';
import { resolveVariables, type Variable } from '../declared-variables.ts';
import { Variables } from '../variables.ts';
import type { ParsedFile } from '../parse-files.ts';
import type { MapNode } from '../yaml.ts';
import { applyOverlays, type Restatement, type Unmatched } from './apply.ts';
import { restateVariables, type RestatedVariables } from './variables.ts';

/** Each environment has one or two. */
export const MAX_OVERLAYS = 64;

export interface FilesByLayer {
  readonly ordinary: readonly MapNode[];
  /** In the order of the arguments. */
  readonly overlays: readonly MapNode[];
  /** Overlays in folders, which are not applied. */
  readonly unused: readonly MapNode[];
  /** What was named, without the overlays. */
  readonly ordinaryPaths: readonly string[];
}

/** @param paths as a person named them: an overlay counts only if it is one of them. */
export function filesByLayer(files: readonly ParsedFile[], paths: readonly string[]): FilesByLayer {
  const named = paths.map((path) => resolve(path));
  const applied = new Map<string, MapNode>();
  const [ordinary, unused]: [MapNode[], ParsedFile[]] = [[], []];
  for (const each of files) {
    const path = resolve(each.file);
    if (!isOverlay(each.root)) ordinary.push(each.root);
    else if (named.includes(path)) applied.set(path, each.root);
    else unused.push(each);
  }
  return {
    ordinary,
    overlays: [...new Set(named)].flatMap((path) => applied.get(path) ?? []),
    // Each is looked at by itself, so that too many would take long; one too many is an error.
    unused: unused.slice(0, MAX_OVERLAYS + 1).map(({ root }) => root),
    ordinaryPaths: paths.filter((path) => !applied.has(resolve(path))),
  };
}

export function isOverlay({ entries }: MapNode): boolean {
  const value = entries.get('overlay')?.value;
  return value?.kind === 'scalar' && value.value === true;
}

export interface ResolvedLayers {
  /** Of the ordinary files, with overlays applied. */
  readonly roots: readonly MapNode[];
  /** The same without overlays. */
  readonly ordinary: readonly MapNode[];
  readonly overlays: readonly MapNode[];
  /** Of variables first, then by overlay. */
  readonly changes: readonly Restatement[];
  readonly unmatched: readonly Unmatched[];
}

interface Filled {
  readonly variables: ReadonlyMap<string, Variable>;
  readonly filling: Variables;
  readonly ordinary: readonly MapNode[];
  readonly overlays: readonly MapNode[];
}

export class Layers {
  readonly #files: FilesByLayer;
  readonly #given: ReadonlyMap<string, string>;
  readonly #restated: RestatedVariables;
  #filled: Filled | undefined;

  /** @param given values of variables from outside. */
  constructor(files: FilesByLayer, given: ReadonlyMap<string, string>) {
    this.#files = files;
    this.#given = given;
    this.#restated = restateVariables(files.ordinary, files.overlays, given);
  }

  /** @param findings get what is wrong with variables. */
  resolve(findings: Findings): ResolvedLayers {
    const filled = (this.#filled = this.#fill(this.#restated, findings));
    const { ordinary, overlays } = filled;
    const { roots, changes, unmatched } = applyOverlays(ordinary, overlays);
    const unused = this.#files.unused.map((overlay) => this.#look(overlay, filled));
    const isUsed = (name: string): boolean => [filled, ...unused].some(({ filling }) => filling.isUsed(name));
    reportUnused(filled.variables, isUsed, findings);
    return {
      roots,
      ordinary,
      overlays,
      changes: [...this.#restated.changes, ...changes],
      unmatched: [
        ...this.#restated.unmatched,
        ...unmatched,
        ...unused.flatMap((overlay) => overlay.unmatched),
      ],
    };
  }

  /** The trees with only the first changes of `resolve` applied, once that has run. */
  rootsAfter(changes: number): readonly MapNode[] {
    const ofVariables = this.#restated.changes.length;
    const { ordinary, overlays } = this.#files;
    if (changes >= ofVariables && this.#filled)
      return applyOverlays(this.#filled.ordinary, this.#filled.overlays, changes - ofVariables).roots;
    return this.#fill(restateVariables(ordinary, overlays, this.#given, changes), new Findings()).ordinary;
  }

  #fill({ declarations }: RestatedVariables, findings: Findings): Filled {
    const { ordinary, overlays } = this.#files;
    const variables = resolveVariables(declarations, this.#given, ordinary[0] ?? overlays[0], findings);
    const filling = new Variables(variables, findings);
    const fill = (root: MapNode): MapNode => filling.fillFile(root);
    return { variables, filling, ordinary: ordinary.map(fill), overlays: overlays.map(fill) };
  }

  /** Checks the targets of an overlay that is not applied, as if it were the only one. */
  #look(overlay: MapNode, filled: Filled) {
    const restated = restateVariables(this.#files.ordinary, [overlay], this.#given);
    const isAsFilled = restated.changes.length + this.#restated.changes.length === 0;
    const ordinary = isAsFilled ? filled.ordinary : this.#fill(restated, new Findings()).ordinary;
    const variables = resolveVariables(restated.declarations, this.#given, overlay, new Findings());
    const filling = new Variables(variables, new Findings());
    const { unmatched } = applyOverlays(ordinary, [filling.fillFile(overlay)], 0);
    return { filling, unmatched: [...restated.unmatched, ...unmatched] };
  }
}

function reportUnused(
  variables: ReadonlyMap<string, Variable>,
  isUsed: (name: string) => boolean,
  findings: Findings,
): void {
  for (const [name, { key }] of variables) {
    if (name.startsWith('x-') || isUsed(name)) continue;
    findings.add(
      'unused-variable',
      key,
      `Nothing uses the variable ${name}.`,
      `Write \${${name}} where its value belongs, or take it out.`,
    );
  }
}
