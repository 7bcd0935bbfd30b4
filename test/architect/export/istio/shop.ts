/** A shop behind Envoys as istiod would configure them from the exported resources. */
import { istioResources, type ExportNote } from '../../../../src/architect/export/index.ts';
import { startBeside, type Envoy } from '../../../support/envoy.ts';
import { freePort, listen } from '../../../support/http.ts';
import {
  sendThrough,
  startProxiedShop,
  type PlainAnswer,
  type ProxiedShop,
  type Sent,
} from '../proxied-shop.ts';
import { readResources, type Resource } from './istiod/resources.ts';
import { sidecarConfig, type KnownHost } from './istiod/istiod.ts';

/** Dots in names are keys of the metadata that Envoy swaps by. */
const graph = (url: string): string => `
waybill: 1
name: shop
issuer: { url: '${url}' }
defaults:
  namespace: shop
  audience: http://{name}.{namespace}.svc.cluster.local
  identity: spiffe://cluster.local/ns/{namespace}/sa/{name}
  headers: { profile: istio }
  caller: mtls
clients:
  web:
    auth: { method: client_secret_basic, secret_env: WEB }
    calls: { shop: [browse, order, show], kiosk: [note] }
  mobile: { auth: { method: client_secret_basic, secret_env: MOBILE }, calls: { shop: [browse] } }
services:
  shop:
    auth: { method: client_secret_basic, secret_env: SHOP }
    calls: { flags: { mode: none } }
    scopes:
      browse: { operations: ['GET /items/{id}'], calls: { stock.v1: [look] } }
      order: { operations: [POST /orders, GET /items/new], calls: { stock.v1: [look, reserve], pay: [charge] } }
      show: { operations: [POST /show], calls: { ads: { scopes: [show], mode: exchange } } }
  stock.v1:
    scopes:
      look: { operations: ['GET /stock/:id'] }
      reserve: { operations: [POST /reserve], calls: { warehouse: [pick] } }
  warehouse: { scopes: { pick: { operations: [POST /pick] } } }
  pay: { scopes: { charge: { operations: [POST /charge] } } }
  kiosk:
    scopes: { note: { operations: [POST /note], calls: { mirror: { scopes: [watch], mode: forward } } } }
  mirror: { caller: none, accepts_forward: [kiosk], scopes: { watch: { operations: [POST /watch] } } }
  ads: { scopes: { show: { operations: [POST /show] } } }
`;

export const SERVICES = ['shop', 'stock.v1', 'warehouse', 'pay', 'kiosk', 'mirror'] as const;
export type ServiceName = (typeof SERVICES)[number];

const identityOf = (name: string): string => `spiffe://cluster.local/ns/shop/sa/${name}`;
export const hostOf = (name: string): string => `${name}.shop.svc.cluster.local`;
const ISSUER_HOST = 'issuer.tokens.svc.cluster.local';
const ISSUER_PORT = 8080;
/** Outside the mesh, and of no callee; the shop's Sidecar shows it. */
export const FLAGS = 'flags.example';

const CALLS = {
  'shop POST /orders': [
    ['POST', `http://${hostOf('stock.v1')}/reserve`],
    ['POST', `http://${hostOf('pay')}/charge`],
  ],
  'kiosk POST /note': [['POST', `http://${hostOf('mirror')}/watch`]],
  'stock.v1 POST /reserve': [['POST', `http://${hostOf('warehouse')}/pick`]],
} as const;

export interface IstioShop extends ProxiedShop<ServiceName> {
  readonly envoys: readonly Envoy[];
  readonly notes: readonly ExportNote[];
  /** What reached hosts without a sidecar: host, path and `authorization`. */
  readonly outside: string[];
  /** The way out of a service's sidecar that cannot fetch the issuer's keys. */
  callOutWithoutKeys(service: ServiceName, address: string, sent?: Sent): Promise<PlainAnswer>;
}

export async function startIstioShop(): Promise<IstioShop> {
  const outside: string[] = [];
  const envoys: Envoy[] = [];
  const world = await listen(({ headers, url = '' }, response) => {
    outside.push([headers.host, url, headers.authorization ?? '-'].join(' '));
    response.end('outside');
  });
  const worldPort = Number(new URL(world).port);
  const nobody = await freePort();
  let notes: readonly ExportNote[] = [];
  let withoutKeys: ((service: ServiceName) => Promise<number>) | undefined;
  const shop = await startProxiedShop<ServiceName>(
    { graph, services: SERVICES, identityOf, calls: CALLS },
    async ({ issuer, portsOf, tlsOf }) => {
      const exported = istioResources(issuer.plan, {
        gateways: [identityOf('gateway').slice('spiffe://'.length)],
        jwksUri: `http://${ISSUER_HOST}:${ISSUER_PORT}/jwks`,
      });
      notes = exported.notes;
      const resources = readResources(exported.text).map(withFlags);
      const keys = await (await fetch(`${issuer.url}/jwks`)).text();
      const configOf = (name: ServiceName, ports: ReturnType<typeof portsOf>, issuerPort: number) =>
        sidecarConfig(
          resources,
          { ...ports, tls: tlsOf(name), namespace: 'shop', labels: { app: name } },
          {
            hosts: [
              ...SERVICES.map((service) => inMesh(service, portsOf(service).inbound)),
              { ...inMesh('ads', worldPort), principal: undefined },
              {
                host: ISSUER_HOST,
                namespace: 'tokens',
                port: ISSUER_PORT,
                endpoint: issuerPort,
                principal: undefined,
              },
              { host: FLAGS, namespace: 'shop', port: 80, endpoint: worldPort, principal: undefined },
              {
                host: 'other.example',
                namespace: 'shop',
                port: 80,
                endpoint: worldPort,
                principal: undefined,
              },
            ],
            keysAt: () => keys,
            internet: worldPort,
          },
        );
      const issuerPort = Number(new URL(issuer.url).port);
      withoutKeys = async (name) => {
        const ports = { ...portsOf(name), inbound: await freePort(), outbound: await freePort() };
        await startBeside(configOf(name, ports, nobody), ports);
        return ports.outbound;
      };
      return async (name) => {
        envoys.push(await startBeside(configOf(name, portsOf(name), issuerPort), portsOf(name)));
      };
    },
  );
  const blind = new Map<ServiceName, Promise<number>>();
  return {
    ...{ ...shop, envoys, notes, outside },
    async callOutWithoutKeys(service, address, sent) {
      if (!blind.has(service)) blind.set(service, withoutKeys!(service));
      return sendThrough(await blind.get(service)!, address, sent);
    },
  };
}

function inMesh(name: string, endpoint: number): KnownHost {
  const principal = identityOf(name).slice('spiffe://'.length);
  return { host: hostOf(name), namespace: 'shop', port: 80, endpoint, principal };
}

/** The note `unrouted-callee` asks for it. */
function withFlags(resource: Resource): Resource {
  if (resource.kind !== 'Sidecar' || resource.metadata.name !== 'shop') return resource;
  const { egress, ...spec } = resource.spec as { egress: { hosts: string[] }[] };
  return { ...resource, spec: { ...spec, egress: [...egress, { hosts: [`*/${FLAGS}`] }] } };
}
