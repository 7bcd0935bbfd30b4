/** What a proxy tells the application of its token: headers that nobody else may set. */
export const tokenHeaders: readonly { readonly header: string; readonly claim: readonly string[] }[] = [
  { header: 'x-waybill-sub', claim: ['sub'] },
  { header: 'x-waybill-scope', claim: ['scope'] },
  { header: 'x-waybill-act', claim: ['act', 'sub'] },
  { header: 'x-waybill-txn', claim: ['txn'] },
];

/** How their names begin; servers of the CGI kind take every sign that is no letter and no digit for a dash. */
export const TOKEN_HEADERS = 'x[^a-z0-9]waybill[^a-z0-9]';

/** Mutations of Envoy that take every such header away. */
export const WITHOUT_TOKEN_HEADERS = [
  { remove_on_match: { key_matcher: { safe_regex: { regex: `${TOKEN_HEADERS}.*` } } } },
];
