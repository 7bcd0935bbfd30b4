/**
 * Reuses trees of clients: for the same client, entry, scopes, encoding and key. The cache belongs to one issuer object, and
 * so to one graph and one signing key.
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

/** A tree is reused for at most this part of the lifetime of each of its tokens. */
const MAX_PART = 1 / 4;

interface CachedTree {
  readonly tree: IssuedTree;
  /** Seconds since the epoch. */
  readonly iat: number;
  /** From then on a new tree is issued. */
  readonly until: number;
}

export class ReusableTrees {
  readonly #window: number;
  readonly #revocations: Revocations;
  readonly #cache: LRUCache<string, CachedTree>;

  /**
   * @param window seconds for which a tree is reused.
   * @param bounds of the LRU cache; a tree that is larger than the whole cache is not cached.
   */
  constructor(window: number, revocations: Revocations, { trees, chars }: ReuseBounds = REUSE_BOUNDS) {
    this.#window = window;
    this.#revocations = revocations;
    this.#cache = new LRUCache({
      max: trees,
      maxSize: chars,
      sizeCalculation: ({ tree }, key) => tree.token.length + key.length,
    });
  }

  get size(): number {
    return this.#cache.size;
  }

  /**
   * @returns the tree with its remaining lifetime; undefined if there is none, its time is over, or it was revoked, also by
   *   another process that shares the store.
   */
  async find(resolved: ResolvedRequest): Promise<IssuedTree | undefined> {
    const key = keyOf(resolved);
    const cached = this.#cache.get(key);
    if (!cached) return undefined;
    const now = resolved.values.iat;
    // Also if the clock was set back: the tree would live longer than the graph says.
    const isOver = now < cached.iat || now >= cached.until;
    if (isOver || (await this.#mayBeRevoked(cached.tree))) {
      // Another request may have replaced it meanwhile.
      if (this.#cache.peek(key) === cached) this.#cache.delete(key);
      return undefined;
    }
    return { ...cached.tree, reused: true, expiresIn: cached.tree.expiresIn - (now - cached.iat) };
  }

  /** @param measured the same tree before it was signed. */
  add(resolved: ResolvedRequest, tree: IssuedTree, measured: MeasuredToken): void {
    const { iat } = resolved.values;
    const shortest = Math.min(tree.expiresIn, shortestLife(measured));
    this.#cache.set(keyOf(resolved), { tree, iat, until: iat + Math.min(this.#window, shortest * MAX_PART) });
  }

  /** If the store is away, a new tree is issued: that needs no store. */
  async #mayBeRevoked({ txn }: IssuedTree): Promise<boolean> {
    try {
      return await this.#revocations.has(txn);
    } catch (error) {
      if (isWaybillError(error, 'store_unavailable')) return true;
      throw error;
    }
  }
}

/** `scopes` are in the order of the graph. */
function keyOf({ wanted: { service, scopes }, values: { client, cnf }, encoding }: ResolvedRequest): string {
  return JSON.stringify([
    client.name,
    service.name,
    encoding,
    cnf ?? null,
    ...scopes.map(({ name }) => name),
  ]);
}

/** The shortest `lifetime` of services and scopes in the tree, in seconds; Infinity if none has one. */
function shortestLife({ shape, children }: MeasuredToken): number {
  const below = children.map(({ token }) => shortestLife(token));
  return Math.min(shape.lifetime, ...below);
}
