/** In which coding a tree leaves: what the request asks for, else what its token came in, else the graph's. */
import type { Plan, ServicePlan } from '../graph/index.ts';
import { pack, unfoldTree, type Encoding, type TokenTree } from '../token/index.ts';

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
    return encoding === 'packed' && this.#canTravelPacked(nested) ? pack(nested) : nested;
  }

  /** Whoever unpacks a tree packs its children, and does not know which services take bare JWTs alone. */
  #canTravelPacked(nested: string): boolean {
    if (this.#bareOnly.size === 0) return true;
    const bounds = { maxBytes: nested.length, maxTokens: Infinity, maxDepth: Infinity };
    return unfoldTree(nested, bounds).children.every((child) => this.#canBePacked(child));
  }

  #canBePacked({ name, children }: TokenTree): boolean {
    return (
      children.length === 0 ||
      (!this.#bareOnly.has(name) && children.every((child) => this.#canBePacked(child)))
    );
  }
}
