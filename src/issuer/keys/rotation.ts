/**
 * Rotation with an overlap, as one step from the current keys of a file to the new ones: `next` becomes `active`, `active`
 * becomes `retired`, a new `next` is generated, and keys that no token needs any more are dropped.
 */
import { calculateJwkThumbprint, type JWK } from 'jose';
import { isoTime, systemClock, type Clock } from '../../clock.ts';
import { WaybillError, usageError } from '../../errors.ts';
import type { SigningAlgorithm } from '../../token/index.ts';
import { algorithms } from './algorithms.ts';
import { MAX_KEYS } from './key-file.ts';
import { isPublished, keyWith, readyAt, signsSince, type KeyRecord } from './key-record.ts';

/** A short prefix of the RFC 7638 thumbprint, since every token of a tree carries it. */
const KID_LENGTH = 8;

/**
 * Makes a new signing key.
 *
 * @param status `next` for a key that is only published until a rotation makes it sign. Default: `active`.
 *
 * @example
 * ```ts
 * import { generateKey, keyRing } from 'waybill';
 *
 * const keys = keyRing([await generateKey('ES256')], 'ES256');
 * console.log(keys.jwks);
 * ```
 */
export async function generateKey(
  alg: SigningAlgorithm,
  clock: Clock = systemClock,
  status: 'active' | 'next' = 'active',
): Promise<KeyRecord> {
  const jwk = (await algorithms[alg].generate()).export({ format: 'jwk' }) as JWK;
  const kid = (await calculateJwkThumbprint(jwk)).slice(0, KID_LENGTH);
  const created = clock();
  return { kid, alg, status, created, ...(status === 'active' ? { activated: created } : {}), jwk };
}

/**
 * One step of rotation for an algorithm. Without a key, as in a new file, it generates an active key and a next one.
 * Without a next key, it generates that and keeps the active one.
 *
 * It also retires the active key of another algorithm that began to sign earlier: if a graph still used that algorithm, its
 * key would have been rotated since.
 *
 * @param now rotates even if not every verifier knows the next key yet, or there is none.
 * @throws WaybillError `keys_unpublished` if the next key is not published for long enough; `usage` if the file would have
 *   too many keys.
 */
export async function rotate(
  records: readonly KeyRecord[],
  alg: SigningAlgorithm,
  clock: Clock,
  { now = false }: { readonly now?: boolean } = {},
): Promise<readonly KeyRecord[]> {
  const time = clock();
  const [active, next] = [keyWith(records, alg, 'active'), keyWith(records, alg, 'next')];
  const kept = withoutDropped(records, time);
  if (active && !next && !now) return bounded([...kept, await generateKey(alg, clock, 'next')]);
  if (active && next && !now && time < readyAt(next)) throw unpublished(next);
  const heir: KeyRecord = next
    ? { ...next, status: 'active', activated: time }
    : await generateKey(alg, clock);
  const others = withRetired(
    kept.filter((record) => record !== next),
    active,
    time,
  );
  return bounded([heir, await generateKey(alg, clock, 'next'), ...others]);
}

/** A retired key without a time counts as retired now. */
function withoutDropped(records: readonly KeyRecord[], now: number): KeyRecord[] {
  return records
    .filter((record) => isPublished(record, now))
    .map((record) => (record.status === 'retired' ? { ...record, retired: record.retired ?? now } : record));
}

/** @param outgoing the key that signed until now. */
function withRetired(
  records: readonly KeyRecord[],
  outgoing: KeyRecord | undefined,
  now: number,
): KeyRecord[] {
  const retires = (record: KeyRecord | undefined): boolean =>
    record?.status === 'active' &&
    outgoing !== undefined &&
    (record.alg === outgoing.alg || signsSince(record) < signsSince(outgoing));
  return records
    .filter(({ alg, status }) => status !== 'next' || !retires(keyWith(records, alg, 'active')))
    .map((record) => (retires(record) ? { ...record, status: 'retired', retired: now } : record));
}

function bounded(records: readonly KeyRecord[]): readonly KeyRecord[] {
  if (records.length <= MAX_KEYS) return records;
  throw usageError(
    `The file would hold ${records.length} keys, and tokens may still need most of them; the limit is ${MAX_KEYS}. Rotate later.`,
  );
}

function unpublished(next: KeyRecord): WaybillError {
  return new WaybillError(
    'keys_unpublished',
    `The next key, ${next.kid}, is published since ${isoTime(next.created)}; every verifier knows it from ${isoTime(readyAt(next))} on. ` +
      'Rotate then. With --now it signs at once, and a verifier that keeps keys refuses its tokens until it looks again.',
  );
}

/**
 * When the schedule replaces the active key; undefined if there is no next key.
 *
 * @param every seconds for which a key signs.
 */
export function changesAt(
  records: readonly KeyRecord[],
  alg: SigningAlgorithm,
  every: number,
): number | undefined {
  const [active, next] = [keyWith(records, alg, 'active'), keyWith(records, alg, 'next')];
  return active && next && Math.max(signsSince(active) + every, readyAt(next));
}

/** Whether the schedule requires a step now: a rotation, or a missing next key. */
export function isDue(
  records: readonly KeyRecord[],
  alg: SigningAlgorithm,
  every: number,
  now: number,
): boolean {
  if (!keyWith(records, alg, 'active')) return false;
  return now >= (changesAt(records, alg, every) ?? Number.NEGATIVE_INFINITY);
}

/** What a step, or another process, did to the keys. */
export interface KeyChanges {
  readonly made: readonly KeyRecord[];
  readonly activated: readonly KeyRecord[];
  readonly retired: readonly KeyRecord[];
  readonly dropped: readonly KeyRecord[];
}

export function keyChanges(before: readonly KeyRecord[], after: readonly KeyRecord[]): KeyChanges {
  const was = new Map(before.map((record) => [record.kid, record]));
  const is = new Set(after.map(({ kid }) => kid));
  const became = (status: KeyRecord['status']): KeyRecord[] =>
    after.filter((record) => record.status === status && was.get(record.kid)?.status !== status);
  return {
    made: after.filter(({ kid }) => !was.has(kid)),
    activated: became('active'),
    retired: became('retired'),
    dropped: before.filter(({ kid }) => !is.has(kid)),
  };
}
