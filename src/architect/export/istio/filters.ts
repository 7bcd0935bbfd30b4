/** Filters of Envoy that the resources add. */
import { WITHOUT_TOKEN_HEADERS } from '../token-headers.ts';

const FILTERS = 'type.googleapis.com/envoy.extensions.filters.http';

export function httpFilter(name: string, type: string, config: object): object {
  return { name, typed_config: typed(type, config) };
}

export function typed(type: string, config: object): object {
  return { '@type': `${FILTERS}.${type}`, ...config };
}

export const stripHeaders = httpFilter('waybill.strip_headers', 'header_mutation.v3.HeaderMutation', {
  mutations: { request_mutations: WITHOUT_TOKEN_HEADERS },
});
