/**
 * What was read for one graph, for another that shares files with it: a file of the same text is not read again. Both graphs
 * then have the same values, whose places name the file of the first. Only what is sound is known, so nothing that is wrong
 * is left out.
 */
import { getOrAdd } from '../../get-or-add.ts';
import type { ServiceDeclaration } from '../declare/declaration.ts';
import type { Findings } from '../finding.ts';
import type { MapEntry, MapNode, Node } from './yaml.ts';

export class KnownFiles {
  /** One string for each name of all files. */
  readonly names = new Map<string, string>();
  readonly #roots = new Map<string, MapNode>();
  readonly #services: Layered = { below: new Map(), services: new WeakMap() };

  /** The tree of a file with this text. */
  root(text: string): MapNode | undefined {
    return this.#roots.get(text);
  }

  /** Whether the shape of this tree was found right; one with a variable filled in is another tree. */
  isSound(root: MapNode): boolean {
    return this.#roots.get(root.source.text) === root;
  }

  /** @param roots as they were parsed; those of a graph with errors are not kept. */
  keep(roots: readonly MapNode[], findings: Findings): void {
    if (findings.hasErrors) return;
    for (const root of roots) this.#roots.set(root.source.text, root);
  }

  /** A service as it was declared under the same defaults. @param layers what gives them: of its zone, of the graph. */
  service(
    entry: MapEntry,
    layers: readonly (Node | undefined)[],
    read: () => ServiceDeclaration,
  ): ServiceDeclaration {
    const { services } = layers.reduce<Layered>(
      ({ below }, layer) => getOrAdd(below, layer, () => ({ below: new Map(), services: new WeakMap() })),
      this.#services,
    );
    return getOrAdd(services, entry, read);
  }
}

/** Services by the layers of defaults that they were declared under. */
interface Layered {
  readonly below: Map<Node | undefined, Layered>;
  readonly services: WeakMap<MapEntry, ServiceDeclaration>;
}
