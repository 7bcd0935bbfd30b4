/** What a proxy tells the application of its token: headers that nobody else may set. */
export const tokenHeaders: readonly { readonly header: string; readonly claim: readonly string[] }[] = [
  { header: 'x-waybill-sub', claim: ['sub'] },
  { header: 'x-waybill-scope', claim: ['scope'] },
  { header: 'x-waybill-act', claim: ['act', 'sub'] },
  { header: 'x-waybill-txn', claim: ['txn'] },
];

const TOKEN_HEADER = { safe_regex: { regex: 'x[-_]waybill[-_].*' } };

/** Takes every such header away first, as a message of Envoy; many servers take an underscore for a dash. */
export const WITHOUT_TOKEN_HEADERS = {
  mutations: { request_mutations: [{ remove_on_match: { key_matcher: TOKEN_HEADER } }] },
};
