/**
 * Rotation with an overlap, as a step from the keys of a file to those that it holds next: `next` becomes `active`,
 * `active` becomes `retired`, a new `next` is made, and what no token can need any longer goes.
 */
import { calculateJwkThumbprint, type JWK } from 'jose';
import { systemClock, type Clock } from '../../clock.ts';
import { WaybillError } from '../../errors.ts';
import type { SigningAlgorithm } from '../../token/index.ts';
import { algorithms } from './algorithms.ts';
import { MAX_KEYS } from './key-file.ts';
import { isPublished, keyWith, readyAt, signsSince, type KeyRecord } from './key-record.ts';

/** The length of ours: an eighth of the RFC 7638 thumbprint would do, and every token of a tree carries it. */
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
 * One step of rotation for an algorithm. Where it has no key yet, as in a new file, two are made, of which one is
 * active at once: it signs when the graph says so. Where no key waits, one is made, and the active one stays.
 *
 * With the key that signed until now goes the active key of another algorithm that began before it: had a graph used
 * that one, it would have been rotated since.
 *
 * @param now rotates although the next key is not known to all verifiers yet, or there is none.
 * @throws WaybillError `keys_unpublished` where the next key is not published for long enough; `usage` where the file
 *   would hold too many keys.
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

/** A retired key that does not say since when counts from now on. */
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
  throw new WaybillError(
    'usage',
    `The file would hold ${records.length} keys, most of which tokens may still need; at most ${MAX_KEYS} are kept. Rotate again later.`,
  );
}

function unpublished(next: KeyRecord): WaybillError {
  const time = (seconds: number): string => new Date(seconds * 1000).toISOString();
  return new WaybillError(
    'keys_unpublished',
    `The next key, ${next.kid}, is published since ${time(next.created)}; every verifier knows it from ${time(readyAt(next))} on. ` +
      'Rotate then. With --now it signs at once, and a verifier that keeps keys refuses its tokens until it looks again.',
  );
}

/**
 * When the schedule changes the key that signs; undefined where no key waits.
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

/** Whether the schedule asks for a step now: a rotation, or the key that waits for one. */
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
