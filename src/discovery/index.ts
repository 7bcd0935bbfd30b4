/** Documents of an issuer, fetched within bounds: its metadata, its keys. */

export { fetchDocument, fetchJson, fetchText, issuerUnavailable } from './document.ts';
export type { Fetch, FetchInit } from './document.ts';
export { issuerKeys } from './issuer-keys.ts';
export type { KeyOptions } from './issuer-keys.ts';
export { discoverAddress } from './metadata.ts';
export { readInsecureHost, secureUrl } from './secure-url.ts';
