/** In which coding a tree leaves: what the request asks for, else what its token came in, else the graph's. */
import type { Plan, ServicePlan } from '../../graph/index.ts';
import { pack, unfoldTree, type Encoding, type TokenTree } from '../../token/index.ts';

/** @param asked absent: the graph decides. */
export function encodingFor(plan: Plan, entry: ServicePlan, asked: Encoding | undefined): Encoding {
  return entry.accepts === 'jwt' ? 'nested' : (asked ?? plan.issuer.encoding);
}

export class TreeEncoder {
  /** Services that are never sent a packed token. */
  readonly #bareOnly: ReadonlySet<string>;

  constructor({ services }: Plan) {
    this.#bareOnly = new Set(
      [...services.values()].filter(({ accepts }) => accepts === 'jwt').map(({ name }) => name),
    );
  }

  /**
   * @param nested a tree as it was signed.
   * @returns what is sent: `nested` itself where it has no children.
   */
  encode(nested: string, encoding: Encoding): string {
    // Whoever unpacks a tree packs its children, and knows no graph: the bundle says who takes bare JWTs alone.
    return encoding === 'nested' ? nested : pack(nested, { nestedFor: this.#travelNested(nested) });
  }

  /** Tokens with children, by their names from below the root on, that no packed one may stand for. */
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
