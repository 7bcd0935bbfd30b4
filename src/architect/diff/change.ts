/** The changes that a comparison finds, each with its impact on authority. */
import type { Place } from '../../graph/index.ts';

/**
 * `widens`: a party may do, receive or read more, or something else than before; `narrows`: a party may do less;
 * `neutral`: every issued tree and every right to ask for one stays the same.
 */
export type Impact = 'widens' | 'narrows' | 'neutral';

/** Whose declaration changed. */
export type ChangedParty =
  | { readonly kind: 'issuer' | 'graph' }
  | { readonly kind: 'client' | 'service' | 'subject' | 'claim'; readonly name: string };

/** What changed; stable names for programs that read the comparison. */
export type ChangeKind =
  | 'accepts'
  | 'audience'
  | 'auth'
  | 'binding'
  | 'budget'
  | 'call'
  | 'caller'
  | 'callers'
  | 'claim'
  | 'claim-bound'
  | 'claim-required'
  | 'claim-source'
  | 'claim-type'
  | 'claim-value'
  | 'condition'
  | 'default-scopes'
  | 'encoding'
  | 'encryption'
  | 'grants'
  | 'identity'
  | 'introspect'
  | 'issuer'
  | 'lifetime'
  | 'lineage'
  | 'limits'
  | 'mode'
  | 'namespace'
  | 'operations'
  | 'overflow'
  | 'owners'
  | 'provider'
  | 'rename'
  | 'reuse'
  | 'scope'
  | 'seal'
  | 'signing'
  | 'subjects'
  | 'through'
  | 'token-form'
  | 'until';

export interface Change {
  readonly mark: Impact;
  readonly kind: ChangeKind;
  readonly party: ChangedParty;
  /** The scopes of a service that the change affects; absent if it affects the whole service. */
  readonly scopes?: readonly string[];
  /** One sentence. */
  readonly what: string;
  /** `file:line:column` in the newer graph, or in the older one for a removal. */
  readonly place?: string;
}

export type ReportChange = (mark: Impact, kind: ChangeKind, what: string, place?: Place) => Change;

/** Reports changes of a client or a service. */
export function changesOf(
  kind: 'client' | 'service',
  party: Place & { readonly name: string },
): ReportChange {
  const { name } = party;
  return (mark, change, what, place = party) => {
    return { mark, kind: change, party: { kind, name }, what, place: placeText(place) };
  };
}

/** One change for each right that is new or gone. @param sentence what the party may `now` or `no longer` do. */
export function changedRights(
  report: ReportChange,
  kind: ChangeKind,
  [older, newer]: readonly [Iterable<string>, Iterable<string>],
  sentence: (now: 'now' | 'no longer', right: string) => string,
): Change[] {
  const { added, removed } = difference(older, newer);
  return [
    ...added.map((right) => report('widens', kind, sentence('now', right))),
    ...removed.map((right) => report('narrows', kind, sentence('no longer', right))),
  ];
}

/** `file:line:column` */
export function placeText({ source, offset }: Place): string {
  const { line, column } = source.locate(offset);
  return `${source.file}:${line}:${column}`;
}

export function namesOf(named: readonly { readonly name: string }[]): string[] {
  return named.map(({ name }) => name);
}

/** `a, b and c` */
export function inProse(names: readonly string[]): string {
  if (names.length < 2) return names.join('');
  return `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}

/** Compares two lists without regard to order. */
export function difference(
  older: Iterable<string>,
  newer: Iterable<string>,
): { readonly added: readonly string[]; readonly removed: readonly string[] } {
  const before = new Set(older);
  const after = new Set(newer);
  return {
    added: [...after].filter((each) => !before.has(each)),
    removed: [...before].filter((each) => !after.has(each)),
  };
}

/** @returns nothing where the lists are the same. */
export function changedSet(
  older: Iterable<string>,
  newer: Iterable<string>,
): ({ readonly mark: Impact } & ReturnType<typeof difference>) | undefined {
  const { added, removed } = difference(older, newer);
  if (added.length + removed.length === 0) return undefined;
  return { mark: added.length > 0 ? 'widens' : 'narrows', added, removed };
}

/** Compares plan data, whose members have a fixed order. */
export function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
