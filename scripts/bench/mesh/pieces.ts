/**
 * The exported configuration piece by piece, each with all that are before it: what remains when one is taken away is the
 * least that stock Envoy costs for the others.
 */
import type { Bootstrap, Json } from './envoy.ts';

export interface Piece {
  readonly name: string;
  readonly bootstrap: Bootstrap;
  /** Whether a call goes out with the callee's token. */
  readonly swaps: boolean;
}

const VERIFIED = 'tokens verified';
const CLAIMS = 'claims told, tokens swapped';
const RULES = 'rules';

/** @param exported as `waybill export --to envoy` writes it; what is handed back last, and whole, is that. */
export function piecesOf(exported: Bootstrap): Piece[] {
  return [
    {
      name: VERIFIED,
      bootstrap: changed(exported, [withoutStrip, withoutRules, withoutClaims]),
      swaps: false,
    },
    {
      name: `${VERIFIED}, ${CLAIMS}`,
      bootstrap: changed(exported, [withoutStrip, withoutRules]),
      swaps: true,
    },
    { name: `${VERIFIED}, ${CLAIMS}, ${RULES}`, bootstrap: changed(exported, [withoutStrip]), swaps: true },
  ];
}

interface Manager extends Json {
  early_header_mutation_extensions?: unknown;
  http_filters: readonly Filter[];
  readonly route_config: {
    request_headers_to_remove?: readonly string[];
    readonly virtual_hosts: readonly { readonly routes: readonly Route[] }[];
  };
}

interface Filter {
  readonly name: string;
  readonly typed_config: {
    readonly '@type': string;
    readonly providers?: Readonly<Record<string, { claim_to_headers?: unknown; forward: boolean }>>;
  };
}

interface Route {
  request_headers_to_add?: unknown;
  typed_per_filter_config?: unknown;
}

type Change = (manager: Manager) => void;

function changed(exported: Bootstrap, changes: readonly Change[]): Bootstrap {
  const copy = structuredClone(exported);
  for (const listener of copy.static_resources.listeners) {
    const [chain] = listener['filter_chains'] as readonly [
      { readonly filters: readonly [{ readonly typed_config: Manager }] },
    ];
    for (const change of changes) change(chain.filters[0].typed_config);
  }
  return copy;
}

function withoutStrip(manager: Manager): void {
  delete manager.early_header_mutation_extensions;
}

function withoutRules(manager: Manager): void {
  manager.http_filters = manager.http_filters.filter(
    ({ typed_config }) => !typed_config['@type'].endsWith('.rbac.v3.RBAC'),
  );
  for (const route of routesOf(manager)) delete route.typed_per_filter_config;
}

function withoutClaims(manager: Manager): void {
  for (const { typed_config } of manager.http_filters) {
    for (const provider of Object.values(typed_config.providers ?? {})) {
      delete provider.claim_to_headers;
      provider.forward = true;
    }
  }
  delete manager.route_config.request_headers_to_remove;
  for (const route of routesOf(manager)) delete route.request_headers_to_add;
}

function routesOf({ route_config: { virtual_hosts: hosts } }: Manager): readonly Route[] {
  return hosts.flatMap(({ routes }) => routes);
}
