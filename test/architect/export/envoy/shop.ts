/** A shop of three levels behind Envoys with the exported configuration. */
import { envoyConfig, type EnvoyExport, type ExportMode } from '../../../../src/architect/export/index.ts';
import { startBeside, type Envoy } from '../../../support/envoy.ts';
import { startProxiedShop, type CallOptions, type ProxiedShop } from '../proxied-shop.ts';

export type { CallOptions };

/** Dots in names are keys of the metadata that Envoy swaps by. */
const graph = (url: string): string => `
waybill: 1
name: shop
issuer: { url: '${url}', limits: { nested: 96KiB } }
claims: { note: { from: client, max_bytes: 20KiB } }
defaults:
  audience: https://{name}.shop.example
  identity: spiffe://shop.example/{name}
  headers: { max_total: 128KiB }
  caller: mtls
clients:
  web:
    auth: { method: client_secret_basic, secret_env: WEB }
    claims: { note: '${'n'.repeat(20_000)}' }
    calls: { shop: [browse, order, large] }
  mobile: { auth: { method: client_secret_basic, secret_env: MOBILE }, calls: { shop: [browse] } }
services:
  shop:
    calls: { flags: { mode: none } }
    scopes:
      browse: { operations: ['GET /items/{id}'], calls: { stock.v1: [look] } }
      order: { operations: [POST /orders, GET /items/new], calls: { stock.v1: [look, reserve], pay: [charge] } }
      large: { operations: [POST /large], calls: { stock.v1: [bulk] } }
  stock.v1:
    scopes:
      look: { operations: ['GET /stock/:id'] }
      reserve: { operations: [POST /reserve], calls: { warehouse: [pick] } }
      bulk: { operations: [POST /bulk], calls: { warehouse: [bulk] } }
  warehouse:
    scopes:
      pick: { operations: [POST /pick] }
      bulk: { operations: [POST /bulk], claims: [note] }
  pay: { scopes: { charge: { operations: [POST /charge] } } }
`;

export const SERVICES = ['shop', 'stock.v1', 'warehouse', 'pay'] as const;
export type ServiceName = (typeof SERVICES)[number];
export const GATEWAY = 'spiffe://shop.example/gateway';

export interface Shop extends ProxiedShop<ServiceName> {
  /** In the order of services. */
  readonly envoys: readonly Envoy[];
  readonly exported: EnvoyExport;
}

const CALLS = {
  'shop POST /orders': [
    ['POST', 'http://stock.v1.shop.example/reserve'],
    ['POST', 'http://pay.shop.example/charge'],
  ],
  'shop POST /large': [['POST', 'http://stock.v1.shop.example/bulk']],
  'stock.v1 POST /reserve': [['POST', 'http://warehouse.shop.example/pick']],
  'stock.v1 POST /bulk': [['POST', 'http://warehouse.shop.example/bulk']],
} as const;

/** @param modes of services that do not enforce. */
export async function startShop(
  modes: Partial<Readonly<Record<ServiceName, ExportMode>>> = {},
): Promise<Shop> {
  let exported: EnvoyExport | undefined;
  const envoys: Envoy[] = [];
  const shop = await startProxiedShop<ServiceName>(
    { graph, services: SERVICES, identityOf: (name) => `spiffe://shop.example/${name}`, calls: CALLS },
    ({ issuer, portsOf, tlsOf }) => {
      const local = (port: number) => ({ host: '127.0.0.1', port });
      const addresses = new Map(SERVICES.map((name) => [name, local(portsOf(name).inbound)]));
      return Promise.resolve(async (name) => {
        const { inbound, outbound, application } = portsOf(name);
        const config = envoyConfig(issuer.plan, {
          only: [name],
          inbound: local(inbound),
          outbound: local(outbound),
          application: local(application),
          addresses,
          tls: tlsOf(name),
          gateways: [GATEWAY],
          mode: modes[name] ?? 'enforce',
        });
        exported ??= config;
        envoys.push(await startBeside(config.services.get(name)!, portsOf(name)));
      });
    },
  );
  return { ...shop, envoys, exported: exported! };
}
