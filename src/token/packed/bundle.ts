/**
 * A packed token: `wb1~` and the base64url of one bundle. The bundle is a byte that says how the body is coded, the
 * body's length, the body, and the pool of signatures (`schemas/packed.md`).
 */

import { WaybillError } from '../../errors.ts';
import { BodyWriter, ModelReader, StoredReader } from './body.ts';
import type { BodyReader } from './body.ts';
import { MAX_LEVELS, canonicalBytes } from './nested.ts';
import { base64urlLength } from './node.ts';
import type { SignedNode } from './node.ts';
import { PACKED_PREFIX } from './prefix.ts';
import { primedModel } from './priming.ts';
import { RecordReader } from './record-reader.ts';
import type { Pool, RecordBounds } from './record-reader.ts';
import { RecordWriter } from './record-writer.ts';
import { refused } from './refusal.ts';

/** How a body is coded: the first byte of the bundle. */
const CODING = { stored: 0, modelled: 1 } as const;

/** Bytes of a body that may be modelled; each costs about 0.2 µs, whatever the bundle's own size. */
export const MAX_MODELLED_BYTES = 8192;

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

/** Codes a token that has children. */
export function writeBundle(root: SignedNode): string {
  const { body, pool } = recordsOf(root);
  const stored = body.stored();
  const modelled = body.length <= MAX_MODELLED_BYTES ? body.modelled(primedModel()) : stored;
  return modelled.length < stored.length
    ? packedText(CODING.modelled, modelled, pool)
    : packedText(CODING.stored, stored, pool);
}

/** Bytes of the packed token if its body is stored: `writeBundle` never gives more. */
export function storedBytes(root: SignedNode): number {
  const { body, pool } = recordsOf(root);
  const bundle = pool.reduce(
    (sum, part) => sum + part.length,
    1 + lengthBytes(body.length).length + body.length,
  );
  return PACKED_PREFIX.length + base64urlLength(bundle);
}

function recordsOf(root: SignedNode): { readonly body: BodyWriter; readonly pool: readonly Uint8Array[] } {
  const body = new BodyWriter();
  const records = new RecordWriter(body);
  records.root(root);
  return { body, pool: records.pool };
}

function packedText(coding: number, body: Uint8Array, pool: readonly Uint8Array[]): string {
  const bundle = Buffer.concat([Uint8Array.from([coding, ...lengthBytes(body.length)]), body, ...pool]);
  return PACKED_PREFIX + bundle.toString('base64url');
}

/**
 * Reads a packed token back into nodes.
 *
 * @throws WaybillError `token_too_large` over `maxPackedBytes`; `token_tree_too_large` over another limit;
 *   `token_packed` for anything but a bundle as it is specified.
 */
export function readBundle(text: string, limits: UnpackLimits = {}): SignedNode {
  const {
    maxPackedBytes = 64 * 1024,
    maxNestedBytes = 256 * 1024,
    maxTokens = 1024,
    maxDepth = MAX_LEVELS,
  } = limits;
  if (text.length > maxPackedBytes) {
    throw new WaybillError(
      'token_too_large',
      `the token has ${text.length} bytes, the limit is ${maxPackedBytes}`,
    );
  }
  const bundle = text.startsWith(PACKED_PREFIX)
    ? canonicalBytes(text.slice(PACKED_PREFIX.length))
    : undefined;
  if (bundle === undefined) throw refused(`it is not ${PACKED_PREFIX} and canonical base64url`);
  const { body, rest } = openBundle(bundle);
  const pool = new BytesPool(rest);
  const bounds: RecordBounds = {
    maxTokens,
    maxDepth: Math.min(maxDepth, MAX_LEVELS),
    maxNested: maxNestedBytes,
  };
  const root = new RecordReader(body, pool, bounds).root();
  pool.finish();
  return root;
}

function openBundle(bundle: Uint8Array): { readonly body: BodyReader; readonly rest: Uint8Array } {
  const [coding] = bundle;
  let length = 0;
  let position = 1;
  for (let place = 1; ; place *= 128) {
    const byte = bundle[position];
    position += 1;
    if (byte === undefined || position > 5) throw refused('the length of its body is missing');
    length += (byte & 0x7f) * place;
    if (byte === 0 && place > 1) throw refused('the length of its body is longer than it must be');
    if (byte < 0x80) break;
  }
  if (length > bundle.length - position) throw refused('the body ends too early');
  const bytes = bundle.subarray(position, position + length);
  const rest = bundle.subarray(position + length);
  if (coding === CODING.stored) return { body: new StoredReader(bytes), rest };
  if (coding === CODING.modelled)
    return { body: new ModelReader(primedModel(), bytes, MAX_MODELLED_BYTES), rest };
  throw refused('its body is in a coding that this version does not know');
}

class BytesPool implements Pool {
  readonly #bytes: Uint8Array;
  #position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  take(count: number): Uint8Array {
    if (count > this.#bytes.length - this.#position) throw refused('the signatures end too early');
    this.#position += count;
    return this.#bytes.subarray(this.#position - count, this.#position);
  }

  finish(): void {
    if (this.#position !== this.#bytes.length) throw refused('something stands behind the last signature');
  }
}

function lengthBytes(length: number): number[] {
  const bytes: number[] = [];
  let rest = length;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return [...bytes, rest];
}
