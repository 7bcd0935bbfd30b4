/**
 * What tokens need of the platform that they are read on, as types. Node's side is `packed/zlib.ts`, `signature.ts` and
 * `node:buffer`; the explorer's page has its own, in `architect/explore/page/platform/`, which its build puts in their place. The
 * compiler holds both sides to these types.
 */

import type { isAscii } from 'node:buffer';

import type { CryptoKey } from 'jose';

import type { SigningAlgorithm } from '../protocol.ts';

/** Whether all bytes are below 0x80. */
export type AsciiCheck = typeof isAscii;

/**
 * Checks the signature of a JWS (RFC 7518 section 3, RFC 8037 section 3.1).
 *
 * @param signed header and payload as they stand in the token, with the dot between: ASCII.
 * @returns a promise where the platform has no synchronous crypto that works, as in the explorer's page; `false` where
 *   the signature is another one.
 * @throws TypeError for a key that is not for this algorithm; the explorer's page returns `false` instead.
 *   WaybillError `crypto_failed`, as a rejection, where all crypto of the platform throws.
 */
export type SignatureCheck = (
  key: CryptoKey,
  alg: SigningAlgorithm,
  signed: string,
  signature: Uint8Array,
) => boolean | Promise<boolean>;

export interface CompressionOptions {
  /** Bytes before every body, which are not part of the stream. */
  readonly dictionary: Uint8Array;
  /** Bytes of a body; a longer one is not inflated. */
  readonly maxBytes: number;
}

export interface Inflated {
  readonly body: Buffer;
  /** Bytes of the input up to the end of its stream; bytes after it are not read. */
  readonly read: number;
}

/** Raw DEFLATE (RFC 1951) with a preset dictionary. */
export interface Compression {
  /** Deflates a body to one stream, at the best level. */
  readonly deflate: (body: Uint8Array) => Buffer;
  /**
   * Inflates the one stream that the bytes begin with. Stops at `maxBytes` of output: no more is inflated.
   *
   * @returns undefined where the bytes are not a DEFLATE stream, end before it does, or its body is longer than `maxBytes`.
   */
  readonly inflate: (bytes: Uint8Array) => Inflated | undefined;
}

/** Reads the options once, for any number of bodies. */
export type CompressionFactory = (options: CompressionOptions) => Compression;
