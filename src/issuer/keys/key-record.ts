/** A signing key and its life: published as `next`, signing as `active`, still published as `retired`, then dropped. */
import { LONGEST_LIFETIME } from '../../protocol.ts';
import type { JWK } from 'jose';
import type { SigningAlgorithm } from '../../token/index.ts';

/** In the order of a key's life. */
export type KeyStatus = 'next' | 'active' | 'retired';
export const KEY_STATUSES = ['next', 'active', 'retired'] as const satisfies readonly KeyStatus[];

/** One private key of the key file. Times are seconds since the epoch. */
export interface KeyRecord {
  readonly kid: string;
  readonly alg: SigningAlgorithm;
  /** Each algorithm has one `active` key, which signs, and at most one `next`. All keys of the file are published. */
  readonly status: KeyStatus;
  /** When it was added to the file, and so published; 0 if the file does not say. */
  readonly created: number;
  /** When it began to sign; absent: when it was created, or not yet. */
  readonly activated?: number | undefined;
  /** When it stopped signing; if absent, the next rotation sets it. */
  readonly retired?: number | undefined;
  readonly jwk: JWK;
}

/**
 * Seconds that a key is published before it signs: longer than any known verifier caches a key set. The extractor and jose
 * cache for 10 minutes, Istio for 20, AWS API Gateway for two hours; an HTTP cache adds the minute that `/jwks` allows.
 * Most verifiers fetch again for an unknown key id, but at most every 30 seconds.
 */
export const PUBLICATION_LEAD = 3 * 60 * 60;

/** For clocks that differ, and for a process that reads the new file late and signs with the old key until then. */
const LATE_READERS = 60 * 60;

/** Seconds that a key stays published after it stopped signing: none of its tokens lives longer. */
export const RETENTION = LONGEST_LIFETIME + LATE_READERS;

/** When every verifier knows it. */
export function readyAt({ created }: KeyRecord): number {
  return created + PUBLICATION_LEAD;
}

export function signsSince({ created, activated }: KeyRecord): number {
  return activated ?? created;
}

/** When it is no longer published; undefined unless it is retired. */
export function dropsAt({ status, retired }: KeyRecord): number | undefined {
  return status === 'retired' && retired !== undefined ? retired + RETENTION : undefined;
}

export function isPublished(record: KeyRecord, now: number): boolean {
  return now < (dropsAt(record) ?? Number.POSITIVE_INFINITY);
}

export function keyWith(
  records: readonly KeyRecord[],
  alg: SigningAlgorithm,
  status: 'active' | 'next',
): KeyRecord | undefined {
  return records.find((record) => record.alg === alg && record.status === status);
}
