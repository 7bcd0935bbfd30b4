/**
 * Clients' own trees that are handed out again: to the same client, for the same entry, scopes and coding, bound to the
 * same key. They belong to one issuer object, and so to one graph and one signing key; what replaces it begins with none.
 */
import { LRUCache } from 'lru-cache';
import type { MeasuredToken } from '../../planning/header-budget/index.ts';
import { isWaybillError } from '../../errors.ts';
import type { ResolvedRequest } from '../grants/resolve.ts';
import type { IssuedTree } from './issued-tree.ts';
import type { Revocations } from '../token-lifecycle/revocations.ts';

export interface ReuseBounds {
  readonly trees: number;
  /** Characters of all tokens and keys together. */
  readonly chars: number;
}

export const REUSE_BOUNDS: ReuseBounds = { trees: 4_096, chars: 64 * 1024 * 1024 };

/** Of the life of every token in a tree. */
const MOST = 1 / 4;

interface Kept {
  readonly tree: IssuedTree;
  /** Seconds since the epoch. */
  readonly iat: number;
  /** From then on it is made anew. */
  readonly until: number;
}

export class ReusableTrees {
  readonly #window: number;
  readonly #revocations: Revocations;
  readonly #kept: LRUCache<string, Kept>;

  /**
   * @param window seconds for which a tree is handed out again.
   * @param bounds the tree that was asked for least recently makes room; one that is larger than all room is not kept.
   */
  constructor(window: number, revocations: Revocations, { trees, chars }: ReuseBounds = REUSE_BOUNDS) {
    this.#window = window;
    this.#revocations = revocations;
    this.#kept = new LRUCache({
      max: trees,
      maxSize: chars,
      sizeCalculation: ({ tree }, key) => tree.token.length + key.length,
    });
  }

  get size(): number {
    return this.#kept.size;
  }

  /**
   * @param resolved of a client's own tree.
   * @returns the tree with what is left of its life; undefined where one is to be made: none is kept, its time is over,
   *   or it was revoked, here or by another process that shares the store.
   */
  async find(resolved: ResolvedRequest): Promise<IssuedTree | undefined> {
    const key = keyOf(resolved);
    const kept = this.#kept.get(key);
    if (!kept) return undefined;
    const now = resolved.values.iat;
    // Also where the clock was set back: it would live longer than the graph says.
    const isOver = now < kept.iat || now >= kept.until;
    if (isOver || (await this.#mayBeRevoked(kept.tree))) {
      // Unless another request has put a new one in its place meanwhile.
      if (this.#kept.peek(key) === kept) this.#kept.delete(key);
      return undefined;
    }
    return { ...kept.tree, reused: true, expiresIn: kept.tree.expiresIn - (now - kept.iat) };
  }

  /** @param measured the same tree before it was signed. */
  keep(resolved: ResolvedRequest, tree: IssuedTree, measured: MeasuredToken): void {
    const { iat } = resolved.values;
    const shortest = Math.min(tree.expiresIn, shortestLife(measured));
    this.#kept.set(keyOf(resolved), { tree, iat, until: iat + Math.min(this.#window, shortest * MOST) });
  }

  /** A store that is away does not say that it was not. To make a new tree takes no store. */
  async #mayBeRevoked({ txn }: IssuedTree): Promise<boolean> {
    try {
      return await this.#revocations.has(txn);
    } catch (error) {
      if (isWaybillError(error, 'store_unavailable')) return true;
      throw error;
    }
  }
}

/** `scopes` in the order of the graph, whatever the order of the request. */
function keyOf({ wanted: { service, scopes }, values: { client, cnf }, encoding }: ResolvedRequest): string {
  return JSON.stringify([
    client.name,
    service.name,
    encoding,
    cnf ?? null,
    ...scopes.map(({ name }) => name),
  ]);
}

/** Seconds that a service of the tree allows its tokens; Infinity where none says. */
function shortestLife({ shape, children }: MeasuredToken): number {
  const below = children.map(({ token }) => shortestLife(token));
  return Math.min(shape.service.lifetime ?? Number.POSITIVE_INFINITY, ...below);
}
