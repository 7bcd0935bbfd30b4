/** Forms of clients' own trees, as far as they are asked for more than once and there is room. */
import { LRUCache } from 'lru-cache';
import type { MeasuredToken } from '../../planning/header-budget/index.ts';
import type { TemplateValues } from '../../token/index.ts';
import type { TreeTemplate } from './tree-template.ts';

/** A tree of which all but the gaps is known. */
export interface SigningTemplate {
  readonly tree: TreeTemplate;
  /** By the token's number: what fills it, and for how many seconds it may live. */
  readonly tokens: readonly TokenTemplate[];
  /** Characters of the ids, and of the key to which the root is bound: with others it is another form. */
  readonly idChars: number;
  readonly cnfChars: number | undefined;
}

export interface TokenTemplate {
  readonly values: TemplateValues;
  /** Infinity where the tree alone says. */
  readonly lifetime: number;
}

/** Bytes of all buffers together. A tree of 16 tokens takes 36 KiB. */
const MAX_BYTES = 32 * 1024 * 1024;
/** Trees that were asked for once. */
const MAX_SEEN = 1_000;

export class SigningTemplates {
  readonly #templates = new LRUCache<MeasuredToken, SigningTemplate>({
    maxSize: MAX_BYTES,
    sizeCalculation: ({ tree }) => tree.bytes,
  });
  readonly #seen = new LRUCache<MeasuredToken, true>({ max: MAX_SEEN });

  /** @returns undefined for a tree that has none yet. */
  find(tree: MeasuredToken, idChars: number, cnfChars: number | undefined): SigningTemplate | undefined {
    const kept = this.#templates.get(tree);
    return kept?.idChars === idChars && kept.cnfChars === cnfChars ? kept : undefined;
  }

  /** @param make called where the tree comes for the second time. */
  see(tree: MeasuredToken, make: () => SigningTemplate): void {
    if (this.#seen.has(tree)) this.#templates.set(tree, make());
    else this.#seen.set(tree, true);
  }
}
