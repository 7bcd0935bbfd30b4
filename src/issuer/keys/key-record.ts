/** A signing key and the times of its life: published as `next`, signing as `active`, kept as `retired`, gone. */
import { LONGEST_LIFETIME } from '../../protocol.ts';
import type { JWK } from 'jose';
import type { SigningAlgorithm } from '../../token/index.ts';

/** In the order of a key's life. */
export const KEY_STATUSES = ['next', 'active', 'retired'] as const;

export type KeyStatus = (typeof KEY_STATUSES)[number];

/** One private key of the key file. Times are seconds since the epoch. */
export interface KeyRecord {
  readonly kid: string;
  readonly alg: SigningAlgorithm;
  /** Of each algorithm one key signs (`active`) and one may wait (`next`); all that are here are published. */
  readonly status: KeyStatus;
  /** Since when it is in the file, and so published; 0 where the file does not say. */
  readonly created: number;
  /** Since when it signs; absent: as long as it is here, or not yet. */
  readonly activated?: number | undefined;
  /** When it stopped signing; a retired key without it counts from the next rotation on. */
  readonly retired?: number | undefined;
  readonly jwk: JWK;
}

/**
 * How long a key is published before it signs: longer than any verifier is known to keep a key set without looking
 * again. Our extractor and jose keep one for 10 minutes, Istio for 20, AWS API Gateway for two hours; a cache of HTTP
 * adds the minute that `/jwks` allows. Most look again for an unknown key id, but not more often than every 30 seconds.
 */
export const PUBLICATION_LEAD = 3 * 60 * 60;

/** For clocks that differ, and for a process that takes up the file late and signs with the old key until then. */
const TAKE_UP = 60 * 60;

/** How long a key stays published after it stopped signing, in seconds: no token of its can live longer. */
export const RETENTION = LONGEST_LIFETIME + TAKE_UP;

/** From when on every verifier knows it. */
export function readyAt({ created }: KeyRecord): number {
  return created + PUBLICATION_LEAD;
}

export function signsSince({ created, activated }: KeyRecord): number {
  return activated ?? created;
}

/** When it is published no longer; undefined: not as things stand. */
export function dropsAt({ status, retired }: KeyRecord): number | undefined {
  return status === 'retired' && retired !== undefined ? retired + RETENTION : undefined;
}

export function isPublished(record: KeyRecord, now: number): boolean {
  return now < (dropsAt(record) ?? Number.POSITIVE_INFINITY);
}

/** The one key of an algorithm with this status. Of retired ones there may be more. */
export function keyWith(
  records: readonly KeyRecord[],
  alg: SigningAlgorithm,
  status: 'active' | 'next',
): KeyRecord | undefined {
  return records.find((record) => record.alg === alg && record.status === status);
}
