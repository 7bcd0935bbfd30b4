/** What a comparison says: data, with a mark on each change that says in which direction authority moved. */
import type { Place } from '../../graph/index.ts';

/**
 * `widens`: someone may do, receive or read what they could not, or something other than before; `narrows`: someone no
 * longer may; `neutral`: no tree that is issued, and no right to ask for one, is another.
 */
export type Impact = 'widens' | 'narrows' | 'neutral';

/** Whose declaration changed. */
export type ChangedParty =
  | { readonly kind: 'issuer' | 'graph' }
  | { readonly kind: 'client' | 'service' | 'subject' | 'claim'; readonly name: string };

/** What about it changed; stable names for programs that read the comparison. */
export type ChangeKind =
  | 'accepts'
  | 'audience'
  | 'auth'
  | 'binding'
  | 'budget'
  | 'call'
  | 'caller'
  | 'claim'
  | 'claim-bound'
  | 'claim-required'
  | 'claim-source'
  | 'claim-value'
  | 'condition'
  | 'default-scopes'
  | 'encoding'
  | 'grants'
  | 'identity'
  | 'introspect'
  | 'issuer'
  | 'lifetime'
  | 'limits'
  | 'mode'
  | 'operations'
  | 'overflow'
  | 'provider'
  | 'reuse'
  | 'scope'
  | 'signing'
  | 'subjects'
  | 'token-form';

export interface Change {
  readonly mark: Impact;
  readonly kind: ChangeKind;
  readonly party: ChangedParty;
  /** Of a service: under which of its scopes; absent where it is the service as a whole. */
  readonly scopes?: readonly string[];
  /** One sentence. */
  readonly what: string;
  /** `file:line:column` of the newer graph, or of the older one for what is gone. */
  readonly place?: string;
}

/** `file:line:column` */
export function placeText({ source, offset }: Place): string {
  const { line, column } = source.locate(offset);
  return `${source.file}:${line}:${column}`;
}

/** Names as prose lists them: `a, b and c`. */
export function inProse(names: readonly string[]): string {
  if (names.length < 2) return names.join('');
  return `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}

/** What stands only in the newer list, and what only in the older one. */
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

/** Whether two values are written alike: plan data has its members in a fixed order. */
export function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
