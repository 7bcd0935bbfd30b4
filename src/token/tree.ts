/**
 * Unfolds a token and the children that it embeds, for looking at them: `waybill token inspect`.
 *
 * Works with a list of what is still to be opened, not by recursion, and within bounds on bytes, tokens and depth,
 * all checked before a token is decoded (threat 11).
 */

import { DEFAULT_READER_LIMITS } from '../protocol.ts';
import { WaybillError, isWaybillError } from '../errors.ts';
import { decodeChild, sealedChild } from './child.ts';
import { readClaims, type AccessTokenClaims } from './claims.ts';
import { decodeToken, type DecodedToken } from './compact.ts';
import type { JsonObject } from './json.ts';
import { isSealed, readSealedHeader } from './sealed/header.ts';
import type { TokenVerifier, VerifiedToken } from './verify.ts';

/** A token with the tokens inside it. Unverified. */
export interface TokenTree {
  /** The callee's name in its parent; empty for the root. */
  readonly name: string;
  /** The token itself. Never put it in a message or a log. */
  readonly compact: string;
  readonly bytes: number;
  readonly header: JsonObject;
  readonly payload: JsonObject;
  readonly claims: AccessTokenClaims;
  /** Those that can be read. */
  readonly children: readonly TokenTree[];
  /** Children that only their service can open. */
  readonly sealed: readonly SealedChild[];
  /** Callees whose token is fetched when it is needed. */
  readonly onDemand: readonly { readonly name: string; readonly audience: string | readonly string[] }[];
}

/** What a sealed child says to whoever carries it. */
export interface SealedChild {
  /** The callee's name in its parent. */
  readonly name: string;
  /** The token itself. Never put it in a message or a log. */
  readonly compact: string;
  readonly bytes: number;
  readonly header: JsonObject;
  /** The service that can open it. */
  readonly audience: string;
  /** Seconds since the epoch. */
  readonly exp: number;
}

export interface TreeBounds {
  /** Largest root, in bytes. Default 262144 (256 KiB). */
  readonly maxBytes?: number | undefined;
  /** Most tokens in the tree, the root among them. Default 1024. */
  readonly maxTokens?: number | undefined;
  /** Most tokens from the root down to a leaf. Default 64. */
  readonly maxDepth?: number | undefined;
}

/**
 * Unfolds a token. Checks that every child belongs to its parent, not that anyone signed it.
 *
 * @throws WaybillError `token_tree_too_large` over a bound; `child_foreign` for a child of another subject or
 *   transaction, or one that outlives its parent; `token_malformed` or `token_claims`.
 *
 * @example
 * ```ts
 * import { unfoldTree, unpack, type TokenTree } from 'waybill';
 *
 * declare const token: string;
 * const show = ({ name, claims, children }: TokenTree): void => {
 *   console.log(name, claims.aud);
 *   children.forEach(show);
 * };
 * show(unfoldTree(unpack(token)));
 * ```
 */
export function unfoldTree(token: string, bounds: TreeBounds = {}): TokenTree {
  const {
    maxBytes = DEFAULT_READER_LIMITS.nested,
    maxTokens = DEFAULT_READER_LIMITS.tokens,
    maxDepth = DEFAULT_READER_LIMITS.depth,
  } = bounds;
  if (token.length > maxBytes) throw tooLarge(`${token.length} bytes`, maxBytes);
  const decoded = decodeToken(token, { maxBytes });
  const root = treeNode('', decoded, readClaims(decoded.payload));
  const open: { readonly node: GrowingTree; readonly depth: number }[] = [{ node: root, depth: 1 }];
  let tokens = 1;
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { node, depth } = next;
    const embedded = Object.entries(node.claims.embedded ?? {});
    if (embedded.length > 0 && depth >= maxDepth) throw tooLarge('more levels', maxDepth);
    tokens += embedded.length;
    if (tokens > maxTokens) throw tooLarge('more tokens', maxTokens);
    for (const [name, compact] of embedded) {
      if (isSealed(compact)) {
        node.sealed.push(sealedIn(node.claims, name, compact));
        continue;
      }
      const child = decodeChild(node.claims, name, compact, { maxBytes });
      const grown = treeNode(name, child.token, child.claims);
      node.children.push(grown);
      open.push({ node: grown, depth: depth + 1 });
    }
  }
  return root;
}

/** The result of verifying one token of a tree. */
export interface TreeVerdict {
  /** Names from the root down; empty for the root. */
  readonly path: readonly string[];
  readonly node: TokenTree;
  readonly outcome: VerifiedToken | WaybillError;
}

/**
 * Verifies every token of a tree by itself, as its audience would.
 *
 * @param verify a verifier without an audience, since every token of a tree has another one.
 * @returns one verdict per token, parents before children, in the order of declaration.
 */
export async function verifyTree(tree: TokenTree, verify: TokenVerifier): Promise<readonly TreeVerdict[]> {
  const verdicts: TreeVerdict[] = [];
  const open: { readonly node: TokenTree; readonly path: readonly string[] }[] = [{ node: tree, path: [] }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { node, path } = next;
    verdicts.push({ path, node, outcome: await verdictOf(node, verify) });
    for (const child of node.children.toReversed()) open.push({ node: child, path: [...path, child.name] });
  }
  return verdicts;
}

async function verdictOf(node: TokenTree, verify: TokenVerifier): Promise<VerifiedToken | WaybillError> {
  try {
    return await verify(node.compact);
  } catch (error) {
    if (isWaybillError(error)) return error;
    throw error;
  }
}

interface GrowingTree extends TokenTree {
  readonly children: GrowingTree[];
  readonly sealed: SealedChild[];
}

function sealedIn(parent: AccessTokenClaims, name: string, compact: string): SealedChild {
  const { audiences, exp } = sealedChild(parent, name, compact);
  const header = { ...readSealedHeader(compact) };
  return { name, compact, bytes: compact.length, header, audience: audiences[0] ?? '', exp };
}

function treeNode(name: string, token: DecodedToken, claims: AccessTokenClaims): GrowingTree {
  const { compact, bytes, header, payload } = token;
  const onDemand = Object.entries(claims.on_demand ?? {}).map(([callee, audience]) => ({
    name: callee,
    audience,
  }));
  return { name, compact, bytes, header, payload, claims, children: [], sealed: [], onDemand };
}

function tooLarge(what: string, limit: number): WaybillError {
  return new WaybillError('token_tree_too_large', `the token tree has ${what}, the limit is ${limit}`);
}
