/** Encodes a signed tree for its response. */
import type { Plan } from '../../graph/index.ts';
import { pack, unfoldTree, type Encoding, type TokenTree } from '../../token/index.ts';

export class TreeEncoder {
  /** Services with `accepts: jwt`. */
  readonly #bareOnly: ReadonlySet<string>;

  constructor({ services }: Plan) {
    this.#bareOnly = new Set(
      [...services.values()].filter(({ accepts }) => accepts === 'jwt').map(({ name }) => name),
    );
  }

  /** @param nested a signed tree. @returns the same for `packed` too, if the tree has no children. */
  encode(nested: string, encoding: Encoding): string {
    // Who unpacks the tree packs its children and knows no graph, so the bundle lists those that stay nested.
    return encoding === 'nested' ? nested : pack(nested, { nestedFor: this.#travelNested(nested) });
  }

  /** Paths of tokens that have children and must not be packed, by names from below the root on. */
  #travelNested(nested: string): readonly (readonly string[])[] {
    if (this.#bareOnly.size === 0) return [];
    const bounds = { maxBytes: nested.length, maxTokens: Infinity, maxDepth: Infinity };
    const found: (readonly string[])[] = [];
    const look = ({ children }: TokenTree, path: readonly string[]): void => {
      for (const child of children) {
        const at = [...path, child.name];
        if (child.children.length > 0 && this.#bareOnly.has(child.name)) found.push(at);
        look(child, at);
      }
    };
    look(unfoldTree(nested, bounds), []);
    return found;
  }
}
