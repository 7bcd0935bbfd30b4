/**
 * What the page has of Node. `tsconfig.json` leaves Node's own types out, so any other member, encoding or global is a
 * type error, also in the modules that the page shares. `globals.ts` and `node-buffer.ts` are held to these types, and
 * `test/architect/explore/platform.test.ts` compares them with Node.
 */

type BufferEncoding = 'utf8' | 'latin1' | 'base64' | 'base64url';

interface Buffer extends Uint8Array<ArrayBuffer> {
  readUIntBE(offset: number, byteLength: number): number;
  subarray(start?: number, end?: number): Buffer;
  /** Writes hexadecimal, which cannot be read. */
  toString(encoding?: BufferEncoding | 'hex', start?: number, end?: number): string;
  write(text: string, encoding?: BufferEncoding): number;
  write(text: string, offset: number, encoding?: BufferEncoding): number;
  writeUInt32BE(value: number, offset: number): number;

  /** These are other than those of an array of bytes, and not compared. */
  readonly fill: never;
  readonly indexOf: never;
  readonly lastIndexOf: never;
  readonly slice: never;
}

interface BufferConstructor {
  readonly prototype: Buffer;
  [Symbol.hasInstance](value: unknown): value is Buffer;
  alloc(size: number, fill?: number): Buffer;
  allocUnsafe(size: number): Buffer;
  allocUnsafeSlow(size: number): Buffer;
  byteLength(text: string): number;
  concat(parts: readonly Uint8Array[], totalLength?: number): Buffer;
  from(text: string, encoding?: BufferEncoding): Buffer;
  from(bytes: Uint8Array | readonly number[]): Buffer;
  from(bytes: ArrayBufferLike, offset?: number, length?: number): Buffer;
}

declare const Buffer: BufferConstructor;

declare module 'node:buffer' {
  export function isAscii(input: Uint8Array | ArrayBuffer): boolean;
}

/*
 * The rest is in shared modules only, in parts that the page does not use: its build fails where it needs a module of
 * Node. So nothing is said of it here; the root's `tsconfig.json` checks these parts.
 */

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a type that is checked elsewhere
type NotInPage = any;

declare namespace NodeJS {
  type Dict<Value> = Record<string, Value | undefined>;
  type ErrnoException = NotInPage;
}

declare module 'node:crypto' {
  export type JsonWebKey = NotInPage;
  export type KeyObject = NotInPage;
  export type VerifyKeyObjectInput = NotInPage;
  export type X509Certificate = NotInPage;
  export const KeyObject: NotInPage;
  export const X509Certificate: NotInPage;
  export const constants: NotInPage;
  export const createHash: NotInPage;
  export const createPublicKey: NotInPage;
  export const randomBytes: NotInPage;
  export const verify: NotInPage;
}

declare module 'node:fs' {
  export type Dirent = NotInPage;
  export type Stats = NotInPage;
  export const closeSync: NotInPage;
  export const fstatSync: NotInPage;
  export const openSync: NotInPage;
  export const readFileSync: NotInPage;
  export const readSync: NotInPage;
  export const readdirSync: NotInPage;
  export const statSync: NotInPage;
}

declare module 'node:net' {
  export type Socket = NotInPage;
  export const BlockList: NotInPage;
  export const isIP: NotInPage;
}

declare module 'node:tls' {
  export type TLSSocket = NotInPage;
}

/** Modules that only values are imported from. */
declare module 'node:*';
