/** A token as people have it at hand: bare, behind its scheme, or inside the answer of a token endpoint. */

import { usageError } from '../errors.ts';
import { pack, unpack } from './packed/packed.ts';
import { isPacked } from './packed/prefix.ts';
import { unfoldTree, type TokenTree } from './tree.ts';

export interface PastedToken {
  readonly tree: TokenTree;
  readonly encoding: 'nested' | 'packed';
  /** Bytes in each encoding; equal if the token has no children. */
  readonly sizes: { readonly nested: number; readonly packed: number };
}

/** @param maxBytes of the token, in either encoding. @throws WaybillError as `unpack` and `unfoldTree` */
export function unfoldPasted(token: string, maxBytes: number): PastedToken {
  const unpacked = unpack(token, { maxPackedBytes: maxBytes, maxNestedBytes: maxBytes });
  const tree = unfoldTree(unpacked, { maxBytes });
  const isOwn = isPacked(token);
  const packed = isOwn ? token : pack(tree.compact);
  const sizes = { nested: tree.compact.length, packed: packed.length };
  return { tree, encoding: isOwn ? 'packed' : 'nested', sizes };
}

/** @throws WaybillError `usage` where the text holds no token. */
export function parsePastedToken(pasted: string): string {
  const text = pasted.trim();
  if (text === '') throw usageError('There is no token.');
  if (!text.startsWith('{')) return text.replace(/^(Bearer|DPoP) +/i, '');
  let answer: { access_token?: unknown; error?: unknown };
  try {
    answer = JSON.parse(text) as typeof answer;
  } catch {
    throw usageError('The input begins like JSON and is not.');
  }
  if (typeof answer.access_token === 'string') return answer.access_token;
  const reason = typeof answer.error === 'string' ? `: it is the error ${answer.error}` : '';
  throw usageError(`The input is JSON without an access_token${reason}.`);
}
