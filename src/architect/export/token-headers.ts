/** What a proxy tells the application of its token: headers that nobody else may set. */
export const tokenHeaders: readonly { readonly header: string; readonly claim: readonly string[] }[] = [
  { header: 'x-waybill-sub', claim: ['sub'] },
  { header: 'x-waybill-scope', claim: ['scope'] },
  { header: 'x-waybill-act', claim: ['act', 'sub'] },
  { header: 'x-waybill-txn', claim: ['txn'] },
];

/** Many servers take an underscore for a dash. Four prefixes cost Envoy less than one expression. */
const PREFIXES = ['x-waybill-', 'x-waybill_', 'x_waybill-', 'x_waybill_'];

/** Mutations of Envoy that take every such header away. */
export const WITHOUT_TOKEN_HEADERS = PREFIXES.map((prefix) => ({
  remove_on_match: { key_matcher: { prefix } },
}));
