/** Reads the keys of a key file, or says why one is refused. */
import { createPrivateKey, createPublicKey, sign, verify, type KeyObject } from 'node:crypto';
import type { JWK } from 'jose';
import { attempt } from '../../input/attempt.ts';
import { keyObjectWeakness } from '../../input/key-weakness.ts';
import { isSigningAlgorithm, type SigningAlgorithm } from '../../token/index.ts';
import { algorithms } from './algorithms.ts';
import { KEY_STATUSES, type KeyRecord, type KeyStatus } from './key-record.ts';

/** What is wrong with a key file; the caller adds the path. */
export class KeyRefused extends Error {}

/** @throws KeyRefused */
export function readRecords(keys: readonly unknown[]): readonly KeyRecord[] {
  const records = keys.map(readRecord);
  requireOneOf(
    records,
    ({ kid }) => kid,
    ({ kid }) => `two keys have the key id ${kid}`,
  );
  const roles = records.filter(({ status }) => status !== 'retired');
  requireOneOf(
    roles,
    ({ alg, status }) => `${status} ${alg}`,
    ({ alg, status }) => `two keys for ${alg} have the status ${status}`,
  );
  requireOneOf(
    records,
    materialOf,
    (one, other) =>
      `${one.kid} and ${other.kid} are the same key; a key has one key id and one algorithm (RFC 8725 section 3.1)`,
  );
  return records;
}

function requireOneOf(
  records: readonly KeyRecord[],
  nameOf: (record: KeyRecord) => string,
  says: (one: KeyRecord, other: KeyRecord) => string,
): void {
  const found = new Map<string, KeyRecord>();
  for (const record of records) {
    const one = found.get(nameOf(record));
    if (one) throw new KeyRefused(says(one, record));
    found.set(nameOf(record), record);
  }
}

/** Equal for equal keys: the modulus of an RSA key, the x of a point on a curve. */
function materialOf({ jwk }: KeyRecord): string {
  const { kty, n, x } = createPublicKey({ key: jwk, format: 'jwk' }).export({ format: 'jwk' });
  return `${kty} ${n ?? x}`;
}

function readRecord(value: unknown, index: number): KeyRecord {
  const key = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  const { kid, alg, use, status = 'active', created, activated, retired, ...jwk } = key;
  if (typeof kid !== 'string' || kid === '' || kid.length > 128)
    throw new KeyRefused(`key ${index + 1} has no \`kid\``);
  const name = `key ${index + 1} (${kid})`;
  if (!isSigningAlgorithm(alg)) throw new KeyRefused(`${name} has no supported \`alg\``);
  if (use !== undefined && use !== 'sig') throw new KeyRefused(`${name} is not for signing (\`use\`)`);
  if (!isStatus(status)) throw new KeyRefused(`${name} has an unknown \`status\``);
  requireKey(jwk, alg, name);
  return {
    kid,
    alg,
    status,
    created: readTime(created, `${name}: \`created\``) ?? 0,
    activated: readTime(activated, `${name}: \`activated\``),
    retired: readTime(retired, `${name}: \`retired\``),
    jwk,
  };
}

function isStatus(status: unknown): status is KeyStatus {
  return (KEY_STATUSES as readonly unknown[]).includes(status);
}

function requireKey(jwk: JWK, alg: SigningAlgorithm, name: string): void {
  const { kty, crv } = algorithms[alg];
  if (jwk.kty !== kty || (crv !== undefined && jwk.crv !== crv))
    throw new KeyRefused(`${name} is not a key for ${alg}`);
  const key = attempt(() => createPrivateKey({ key: jwk, format: 'jwk' }));
  if (!key) throw new KeyRefused(`${name} is not a private key`);
  const weakness = keyObjectWeakness(createPublicKey(key));
  if (weakness !== undefined) throw new KeyRefused(`${name} is not accepted: ${weakness}`);
  if (!isPair(alg, key)) throw new KeyRefused(`the private and the public half of ${name} do not match`);
}

/** Node accepts a private half with the public half of another key; nobody could verify its signatures. */
function isPair(alg: SigningAlgorithm, key: KeyObject): boolean {
  const { digest, options } = algorithms[alg];
  const probe = Buffer.from('waybill');
  const isVerified = attempt(() => {
    const signature = sign(digest, probe, { ...options, key });
    return verify(digest, probe, { ...options, key: createPublicKey(key) }, signature);
  });
  return isVerified === true;
}

function readTime(time: unknown, name: string): number | undefined {
  if (time === undefined) return undefined;
  const milliseconds = typeof time === 'string' ? Date.parse(time) : Number.NaN;
  if (Number.isNaN(milliseconds)) throw new KeyRefused(`${name} is not a time`);
  return Math.floor(milliseconds / 1000);
}
