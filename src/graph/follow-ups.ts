/**
 * Which findings may only follow from another error. A name in error leads nowhere, so what it should lead to looks
 * unused; a key or value in error leaves its default in place, which nobody chose. Advice from that would harm: it
 * would delete what only a typo hides.
 */
import { explanations, type FindingCode } from './explanations.ts';

/** They judge a whole graph, with the defaults of every declaration. The names make what they look for seem absent. */
const WHOLE_GRAPH: Partial<Record<FindingCode, readonly FindingCode[]>> = {
  'unused-scope': ['unknown-service', 'unknown-scope'],
  'unreachable-service': ['unknown-service', 'unknown-scope'],
  'unused-claim': ['unknown-claim'],
  'unused-zone': ['unknown-zone'],
  'unused-variable': [],
  'duplicate-audience': ['unknown-placeholder', 'placeholder-without-value'],
  'duplicate-identity': ['unknown-placeholder', 'placeholder-without-value'],
  'caller-not-listed': ['unknown-caller', 'unknown-zone'],
  'empty-selector': ['unknown-zone', 'unknown-owner'],
  'owner-outside-path': ['unknown-owner'],
  'zone-closed': ['unknown-owner', 'unknown-zone'],
  'chain-not-listed': ['unknown-caller', 'unknown-service', 'unknown-scope', 'unknown-zone'],
  'lineage-too-short': ['unknown-caller', 'unknown-service', 'unknown-scope', 'unknown-zone'],
  'lineage-forwarded': ['unknown-caller'],
  'opaque-without-reader': ['unknown-service'],
  'forward-leaks': ['unknown-service', 'unknown-scope', 'unknown-claim', 'unknown-zone'],
  'forward-lacks-claim': ['unknown-claim'],
  'claim-without-value': ['unknown-claim', 'unknown-subject'],
  'claim-outside-zone': ['unknown-zone'],
  'spendable-by-others': ['unknown-zone'],
  'spendable-outside': ['unknown-zone'],
  'no-budget': ['unknown-profile', 'profile-without-number', 'unknown-zone'],
  'ambiguous-default': [],
  'condition-never-met': ['unknown-subject', 'unknown-claim', 'subjects-and-grants'],
  'ambiguous-provider': ['unknown-subject', 'unknown-condition'],
  // These say that something is there. It stays there with more names: unknown ones do not matter.
  'conflicting-calls': [],
  cycle: [],
  'too-many-tokens': [],
  'too-many-tokens-together': [],
  'too-deep': [],
  'too-complex': [],
  'budget-exceeded': [],
  'budget-exceeded-together': [],
};

/** What the files show one by one; the rest is judged if every file could be read. */
const ON_FORM: ReadonlySet<FindingCode> = new Set<FindingCode>([
  'file-unreadable',
  'no-files',
  'too-many-files',
  'file-too-large',
  'not-utf8',
  'yaml-syntax',
  'yaml-depth',
  'yaml-tag',
  'yaml-merge-key',
  'alias-limit',
  'duplicate-key',
  'several-documents',
  'empty-file',
  'duplicate-name',
  'duplicate-setting',
  'unknown-key',
  'missing-key',
  'wrong-type',
  'invalid-value',
  'secret-in-graph',
  'not-yet',
  'unknown-code',
  'accepted-error',
  'too-many-findings',
]);

export const AFTER_FORM = (Object.keys(explanations) as FindingCode[]).filter((code) => !ON_FORM.has(code));

/** What is judged on whole trees, after names and calls. */
export const ON_TREES: readonly FindingCode[] = [
  'claim-outside-zone',
  'spendable-by-others',
  'spendable-outside',
  'claim-without-value',
  'forward-leaks',
  'forward-lacks-claim',
  'too-many-tokens',
  'too-many-tokens-together',
  'too-deep',
  'too-complex',
  'budget-exceeded',
  'budget-exceeded-together',
  'no-budget',
  'ambiguous-default',
  'condition-never-met',
  'ambiguous-provider',
];

/**
 * @param isMisread whether a declaration has keys or values in error.
 * @param has whether any error of these kinds was found.
 */
export function mayFollow(
  code: FindingCode,
  isMisread: boolean,
  has: (...causes: readonly FindingCode[]) => boolean,
): boolean {
  const names = WHOLE_GRAPH[code];
  return names !== undefined && (isMisread || has('undefined-variable', ...names));
}
