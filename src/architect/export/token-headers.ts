/** What a proxy tells the application of its token. Nobody else may set these: every `x-waybill-` header is taken away first. */
export const TOKEN_HEADER_PREFIX = 'x-waybill-';

export const tokenHeaders: readonly { readonly header: string; readonly claim: readonly string[] }[] = [
  { header: 'x-waybill-sub', claim: ['sub'] },
  { header: 'x-waybill-scope', claim: ['scope'] },
  { header: 'x-waybill-act', claim: ['act', 'sub'] },
  { header: 'x-waybill-txn', claim: ['txn'] },
];
