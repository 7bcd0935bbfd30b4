/** Templates of clients' own trees, made at the second request for a tree, in an LRU cache. */
import { LRUCache } from 'lru-cache';
import type { MeasuredToken } from '../../planning/header-budget/index.ts';
import type { TemplateValues } from '../../token/index.ts';
import type { TreeTemplate } from './tree-template.ts';

export interface SigningTemplate {
  readonly tree: TreeTemplate;
  /** By the token's number. */
  readonly tokens: readonly TokenTemplate[];
  /** Lengths of the ids and of `cnf`, in characters: a template is for these lengths only. */
  readonly idChars: number;
  readonly cnfChars: number | undefined;
}

export interface TokenTemplate {
  readonly values: TemplateValues;
  /** Seconds; Infinity if only the tree limits it. */
  readonly lifetime: number;
}

/** Bytes of all buffers together. A tree of 16 tokens takes 36 KiB. */
const MAX_BYTES = 32 * 1024 * 1024;
/** Trees that were requested once. */
const MAX_SEEN = 1_000;

export class SigningTemplates {
  readonly #templates = new LRUCache<MeasuredToken, SigningTemplate>({
    maxSize: MAX_BYTES,
    sizeCalculation: ({ tree }) => tree.bytes,
  });
  readonly #seen = new LRUCache<MeasuredToken, true>({ max: MAX_SEEN });

  find(tree: MeasuredToken, idChars: number, cnfChars: number | undefined): SigningTemplate | undefined {
    const kept = this.#templates.get(tree);
    return kept?.idChars === idChars && kept.cnfChars === cnfChars ? kept : undefined;
  }

  /** @param make is called at the second request for the tree. */
  add(tree: MeasuredToken, make: () => SigningTemplate): void {
    if (this.#seen.has(tree)) this.#templates.set(tree, make());
    else this.#seen.set(tree, true);
  }
}
