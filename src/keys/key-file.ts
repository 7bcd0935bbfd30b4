/**
 * The issuer's key file: a JWK Set (RFC 7517 section 5) of private keys, each with two members of our own, `status`
 * and `created`. It is made with mode 0600 and replaced as a whole, so that a reader never meets half a file.
 */
import { createPrivateKey, createPublicKey, randomBytes, sign, verify, type KeyObject } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { calculateJwkThumbprint, type JWK } from 'jose';
import type { Clock } from '../clock.ts';
import { WaybillError } from '../errors.ts';
import { isSigningAlgorithm, type SigningAlgorithm } from '../token/index.ts';
import { algorithms } from './algorithms.ts';

export type KeyStatus = 'active' | 'retired';

/** One private key of the file. */
export interface KeyRecord {
  readonly kid: string;
  readonly alg: SigningAlgorithm;
  /** The active key of an algorithm signs; a retired one is published until no token of it can live. */
  readonly status: KeyStatus;
  /** Seconds since the epoch. */
  readonly created: number;
  /** When it stopped signing; seconds since the epoch. */
  readonly retired: number | undefined;
  readonly jwk: JWK;
}

const MAX_BYTES = 1 << 20;
const MAX_KEYS = 64;
/** The length of ours: an eighth of the RFC 7638 thumbprint would do, and every token of a tree carries it. */
const KID_LENGTH = 8;
/** No token lives longer than the graph language allows a lifetime to be. */
const RETIRED_SECONDS = 24 * 60 * 60;
/** RFC 7518 sections 3.3 and 3.5; verifiers refuse less. */
const MIN_RSA_BITS = 2048;

/** @returns `undefined` where there is no such file. @throws WaybillError `keys_invalid` */
export function readKeyFile(path: string): readonly KeyRecord[] | undefined {
  const text = readBounded(path);
  if (text === undefined) return undefined;
  let keys: unknown;
  try {
    keys = (JSON.parse(text) as { keys?: unknown } | null)?.keys;
  } catch {
    throw invalid(path, 'it is not JSON');
  }
  if (!Array.isArray(keys)) throw invalid(path, 'it is not a JWK Set: it has no list `keys`');
  if (keys.length > MAX_KEYS) throw invalid(path, `it has ${keys.length} keys; at most ${MAX_KEYS} are read`);
  const records = keys.map((key, index) => readRecord(path, key, index));
  const twice = records.find(({ kid }, index) => records.findIndex((other) => other.kid === kid) !== index);
  if (twice) throw invalid(path, `two keys have the key id ${twice.kid}`);
  return records;
}

/** Whether others than the owner can read the file. */
export function isExposed(path: string): boolean {
  const descriptor = openSync(path, 'r');
  try {
    return (fstatSync(descriptor).mode & 0o077) !== 0;
  } finally {
    closeSync(descriptor);
  }
}

/** Replaces the file as a whole. */
export function writeKeyFile(path: string, records: readonly KeyRecord[]): void {
  const keys = records.map(({ jwk, kid, alg, status, created, retired }) => ({
    ...jwk,
    kid,
    alg,
    use: 'sig',
    status,
    created: isoTime(created),
    ...(retired === undefined ? {} : { retired: isoTime(retired) }),
  }));
  const draft = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    writeFileSync(draft, `${JSON.stringify({ keys }, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
    renameSync(draft, path);
  } catch (error) {
    try {
      unlinkSync(draft);
    } catch {
      // It was never made.
    }
    throw new WaybillError('keys_invalid', `The key file ${path} cannot be written (${codeOf(error)}).`, {
      cause: error,
    });
  }
}

/** A new active key. */
export async function generateKey(alg: SigningAlgorithm, clock: Clock): Promise<KeyRecord> {
  const jwk = algorithms[alg].generate().export({ format: 'jwk' }) as JWK;
  const kid = (await calculateJwkThumbprint(jwk)).slice(0, KID_LENGTH);
  return { kid, alg, status: 'active', created: clock(), retired: undefined, jwk };
}

/** A new key signs from now on; the ones before it are retired, and dropped once no token of theirs can live. */
export async function rotate(
  records: readonly KeyRecord[],
  alg: SigningAlgorithm,
  clock: Clock,
): Promise<KeyRecord[]> {
  const now = clock();
  const kept = records
    .filter(({ retired }) => retired === undefined || now - retired < RETIRED_SECONDS)
    .map((record): KeyRecord => {
      if (record.status === 'retired') return { ...record, retired: record.retired ?? now };
      return record.alg === alg ? { ...record, status: 'retired', retired: now } : record;
    });
  if (kept.length >= MAX_KEYS) {
    throw new WaybillError(
      'usage',
      `The file has ${kept.length} keys that tokens may still need; at most ${MAX_KEYS} are kept. Rotate again later.`,
    );
  }
  return [await generateKey(alg, clock), ...kept];
}

function readBounded(path: string): string | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw invalid(path, `it cannot be read (${codeOf(error)})`);
  }
  try {
    if (!fstatSync(descriptor).isFile()) throw invalid(path, 'it is not a file');
    const bytes = Buffer.alloc(MAX_BYTES + 1);
    const length = readSync(descriptor, bytes, 0, bytes.length, 0);
    if (length > MAX_BYTES) throw invalid(path, 'it is larger than 1 MiB');
    return bytes.toString('utf8', 0, length);
  } finally {
    closeSync(descriptor);
  }
}

function readRecord(path: string, value: unknown, index: number): KeyRecord {
  const key = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  const name = `key ${index + 1}`;
  const { kid, alg, status = 'active', created, retired, ...jwk } = key;
  if (typeof kid !== 'string' || kid === '' || kid.length > 128)
    throw invalid(path, `${name} has no \`kid\``);
  if (!isSigningAlgorithm(alg))
    throw invalid(path, `${name} (${kid}) has no \`alg\` that Waybill signs with`);
  if (status !== 'active' && status !== 'retired')
    throw invalid(path, `${name} (${kid}) has an unknown \`status\``);
  const { kty, crv } = algorithms[alg];
  if (jwk.kty !== kty || (crv !== undefined && jwk.crv !== crv))
    throw invalid(path, `${name} (${kid}) is not a key for ${alg}`);
  const privateKey = privateKeyOf(jwk);
  if (!privateKey) throw invalid(path, `${name} (${kid}) is not a private key`);
  const { modulusLength = MIN_RSA_BITS } = privateKey.asymmetricKeyDetails ?? {};
  if (modulusLength < MIN_RSA_BITS)
    throw invalid(path, `${name} (${kid}) has ${modulusLength} bits; RSA keys have at least ${MIN_RSA_BITS}`);
  if (!isPair(alg, privateKey))
    throw invalid(path, `the private and the public half of ${name} (${kid}) do not belong together`);
  return { kid, alg, status, created: secondsOf(created) ?? 0, retired: secondsOf(retired), jwk };
}

function privateKeyOf(jwk: JWK): KeyObject | undefined {
  try {
    return createPrivateKey({ key: jwk, format: 'jwk' });
  } catch {
    return undefined;
  }
}

/** Node takes a private half with the public half of another key; nobody could verify what it signs. */
function isPair(alg: SigningAlgorithm, key: KeyObject): boolean {
  const { digest, options } = algorithms[alg];
  const probe = Buffer.from('waybill');
  try {
    const signature = sign(digest, probe, { ...options, key });
    return verify(digest, probe, { ...options, key: createPublicKey(key) }, signature);
  } catch {
    return false;
  }
}

function secondsOf(time: unknown): number | undefined {
  const milliseconds = typeof time === 'string' ? Date.parse(time) : Number.NaN;
  return Number.isNaN(milliseconds) ? undefined : Math.floor(milliseconds / 1000);
}

function isoTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}

function invalid(path: string, what: string): WaybillError {
  return new WaybillError(
    'keys_invalid',
    `The key file ${path} cannot be used: ${what}. Mend it, or move it away and a new one is made.`,
  );
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unknown reason';
}
