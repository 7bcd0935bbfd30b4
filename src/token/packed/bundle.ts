/**
 * A packed token: `wb1~` and the base64url of one bundle. The bundle is a number that says how long the body is and
 * whether it is deflated, the body, and the pool of signatures (`schemas/packed.md`).
 */

import { DEFAULT_READER_LIMITS, base64urlLength } from '../../protocol.ts';
import { WaybillError } from '../../errors.ts';
import { transientBytes } from '../base64url.ts';
import { ByteReader, numberText } from './bytes.ts';
import { deflated, inflated } from './deflate.ts';
import { numberBytes } from './format.ts';
import { sameNode } from './equal.ts';
import { MAX_LEVELS, base64url } from './nested.ts';
import type { MembersNode, SignedNode } from './node.ts';
import { PACKED_PREFIX } from './prefix.ts';
import { RecordReader, type RecordBounds } from './record-reader.ts';
import { RecordWriter } from './record-writer.ts';
import { refused } from './refusal.ts';
import { countSteps, countOutput } from './work.ts';

const DEFAULT_MAX_PACKED_BYTES = 64 * 1024;

export interface UnpackLimits {
  /** Largest packed token, in bytes. Default 65536 (64 KiB). */
  readonly maxPackedBytes?: number | undefined;
  /** Largest nested token that comes out, in bytes. Default 262144 (256 KiB). */
  readonly maxNestedBytes?: number | undefined;
  /** Most tokens in the tree, the root among them; what a JWE hides counts as one. Default 1024. */
  readonly maxTokens?: number | undefined;
  /** Most tokens from the root down to a leaf. Default 64, which is the most that the coding has. */
  readonly maxDepth?: number | undefined;
}

/**
 * Codes a token that has children, and reads its records back: what makes the coding lossless for every tree.
 *
 * @returns undefined where they did not come back.
 */
export function writeBundle(root: SignedNode): string | undefined {
  const records = new RecordWriter();
  const text = records.root(root);
  const { pool } = records;
  return sameNode(readRecords(text, pool, UNBOUNDED), root) ? bundled(text, pool) : undefined;
}

/** Codes a token out of a bundle. */
export function writeAgain(root: SignedNode): string {
  const records = new RecordWriter();
  return bundled(records.root(root), records.pool);
}

function bundled(text: string, pool: string): string {
  const short = deflated(text);
  const isShort = short !== undefined && short.length < text.length;
  const body = isShort ? short : text;
  const head = numberText(2 * body.length + (isShort ? 1 : 0));
  return PACKED_PREFIX + base64url(head + body + pool);
}

/** Bytes of the packed token if its body is stored: `writeBundle` never gives more. */
export function storedLength(root: SignedNode): number {
  const records = new RecordWriter();
  const body = records.root(root).length;
  return PACKED_PREFIX.length + base64urlLength(numberBytes(2 * body) + body + records.pool.length);
}

/**
 * Reads a packed token back into nodes.
 *
 * @throws WaybillError `token_too_large` over `maxPackedBytes`; `token_tree_too_large` over another limit;
 *   `token_packed` for anything but a bundle as it is specified.
 */
export function readBundle(text: string, limits: UnpackLimits): MembersNode {
  const { maxPackedBytes = DEFAULT_MAX_PACKED_BYTES } = limits;
  const { maxNestedBytes = DEFAULT_READER_LIMITS.nested, maxTokens = DEFAULT_READER_LIMITS.tokens } = limits;
  if (text.length > maxPackedBytes) {
    const reason = `the token has ${text.length} bytes, the limit is ${maxPackedBytes}`;
    throw new WaybillError('token_too_large', reason);
  }
  // Decoded once, and checked for canonical form.
  countSteps(6 * text.length);
  const bundle = text.startsWith(PACKED_PREFIX)
    ? transientBytes(text.slice(PACKED_PREFIX.length))
    : undefined;
  if (bundle === undefined) throw refused(`it is not ${PACKED_PREFIX} and canonical base64url`);
  const { body, rest } = openBundle(bundle);
  const maxDepth = Math.min(limits.maxDepth ?? MAX_LEVELS, MAX_LEVELS);
  return readRecords(body, rest, { maxTokens, maxDepth, maxNested: maxNestedBytes });
}

const UNBOUNDED: RecordBounds = { maxTokens: Infinity, maxDepth: MAX_LEVELS, maxNested: Infinity };

function readRecords(body: string, rest: string, bounds: RecordBounds): MembersNode {
  const pool = new ByteReader(rest, 'the signatures end');
  const root = new RecordReader(new ByteReader(body), pool, bounds).root();
  if (!pool.ended) throw refused('bytes follow the last signature');
  return root;
}

function openBundle(bundle: Buffer): { readonly body: string; readonly rest: string } {
  const reader = new ByteReader(bundle.toString('latin1', 0, 8));
  const head = reader.number();
  const start = reader.position;
  const end = start + Math.floor(head / 2);
  if (end > bundle.length) throw refused('the body ends too early');
  const body = head % 2 === 1 ? inflated(bundle.subarray(start, end)) : bundle.toString('latin1', start, end);
  // Inflated, and made a text; the signatures become one too.
  countSteps(bundle.length + 2 * body.length);
  countOutput(body.length);
  return { body, rest: bundle.toString('latin1', end) };
}
