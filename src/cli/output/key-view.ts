/** Keys for display: without their secrets, with their age and next change. */
import { isoTime } from '../../clock.ts';
import { defined } from '../defined.ts';
import {
  changesAt,
  dropsAt,
  isPublished,
  readyAt,
  type KeyChanges,
  type KeyRecord,
  type KeyStatus,
} from '../../issuer/keys/index.ts';
import type { SigningAlgorithm } from '../../token/index.ts';
import { paint, plain, plural } from './terminal.ts';

/** Times are ISO 8601, and absent if unknown. */
export interface KeyView {
  readonly kid: string;
  readonly alg: SigningAlgorithm;
  readonly status: KeyStatus;
  /** Whether `/jwks` contains it. */
  readonly published: boolean;
  /** Seconds. */
  readonly age?: number;
  readonly created?: string;
  /** When it began to sign. */
  readonly activated?: string;
  readonly retired?: string;
  /** Of a next key: when every verifier knows it. */
  readonly readyAt?: string;
  /** Of the active and the next key, with a schedule: when the next key replaces the active one. */
  readonly changesAt?: string;
  /** Of a retired key: when it is no longer published. */
  readonly dropsAt?: string;
}

/** @param every the issuer's schedule in seconds. */
export function keyView(
  record: KeyRecord,
  records: readonly KeyRecord[],
  every: number | undefined,
  now: number,
): KeyView {
  const { kid, alg, status, created, activated, retired } = record;
  const changes = status === 'retired' || every === undefined ? undefined : changesAt(records, alg, every);
  return {
    kid,
    alg,
    status,
    published: isPublished(record, now),
    ...(created === 0 ? {} : { age: Math.max(0, now - created), created: isoTime(created) }),
    ...defined({
      activated: time(activated),
      retired: time(retired),
      readyAt: time(status === 'next' ? readyAt(record) : undefined),
      changesAt: time(changes),
      dropsAt: time(dropsAt(record)),
    }),
  };
}

function time(seconds: number | undefined): string | undefined {
  return seconds === undefined ? undefined : isoTime(seconds);
}

const STATUS_COLOUR: Readonly<Record<KeyStatus, (text: string) => string>> = {
  next: paint.cyan,
  active: paint.green,
  retired: paint.dim,
};

export function keyLine(view: KeyView): string {
  const { kid, alg, status, age } = view;
  const old = age === undefined ? 'age unknown' : `${roughly(age)} old`;
  return `${paint.bold(plain(kid).padEnd(10))}${alg.padEnd(9)}${STATUS_COLOUR[status](status.padEnd(9))}${old.padEnd(13)}${paint.dim(prospectOf(view))}`;
}

function prospectOf(view: KeyView): string {
  const [changes, drops] = [view.changesAt, view.dropsAt];
  switch (view.status) {
    case 'next':
      if (changes) return `signs from ${short(changes)} on`;
      return `published; may sign from ${short(view.readyAt ?? '')} on`;
    case 'active':
      return changes ? `signs until ${short(changes)}` : 'signs until the keys are rotated';
    case 'retired':
      if (!view.published) return 'no longer published; removed at the next rotation';
      if (drops) return `published until ${short(drops)}`;
      return 'published; its retirement starts at the next rotation';
  }
}

const UNITS: readonly (readonly [seconds: number, unit: string])[] = [
  [24 * 60 * 60, 'd'],
  [60 * 60, 'h'],
  [60, 'min'],
  [1, 's'],
];

/** In the largest unit that gives at least 2. */
function roughly(seconds: number): string {
  const [size, unit] = UNITS.find(([length]) => seconds >= 2 * length) ?? [1, 's'];
  return `${Math.floor(seconds / size)} ${unit}`;
}

/** Says in a few sentences what a rotation did. */
export function describeRotation(
  { made, activated, retired, dropped }: KeyChanges,
  before: readonly KeyRecord[],
  file: string,
): string {
  const next = made.find(({ status }) => status === 'next');
  const sentences = [
    ...activated.map((key) => describeActivation(key, before)),
    ...retired.map(
      (key) =>
        `${key.kid} (${key.alg}) is retired, and published until ${short(isoTime(dropsAt(key) ?? 0))}.`,
    ),
    ...(next ? [describeNext(next, activated.length > 0)] : []),
    ...(dropped.length > 0 ? [`${plural(dropped.length, 'key')} that no token needs: removed.`] : []),
    `Running issuers read ${plain(file)} within seconds.`,
  ];
  return sentences.join('\n');
}

function describeNext(next: KeyRecord, isActivated: boolean): string {
  const ready = short(isoTime(readyAt(next)));
  return isActivated
    ? `${next.kid} is published as the next key; it may sign from ${ready} on.`
    : `There was no next key, so the active key still signs. ${next.kid} is now published as the next key. Rotate again from ${ready} on.`;
}

function describeActivation(key: KeyRecord, before: readonly KeyRecord[]): string {
  const { kid, alg } = key;
  const isFirst = !before.some((record) => record.alg === alg && record.status !== 'retired');
  if (!isFirst || before.length === 0) return `${kid} signs with ${alg} from now on.`;
  return `${kid} is the first key for ${alg}, published from now on: a graph may say \`signing: ${alg}\` from ${short(isoTime(readyAt(key)))} on.`;
}

/** To the second. */
function short(iso: string): string {
  return iso.replace(/\.\d+Z$/, 'Z');
}
