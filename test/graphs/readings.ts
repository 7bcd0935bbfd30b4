/**
 * How each call graph was read: who in it is a client, what only stands on the way, and everything that its
 * graph leaves out, with the reason. Whatever is not named here must be in the graph.
 */
import type { Edge, Entry, OperationCall } from '../support/graphs/call-graph.ts';

export interface Reading {
  readonly graph: string;
  /** Nodes of the source that are OAuth clients in the graph: node → client. */
  readonly clients: Readonly<Record<string, string>>;
  /** Nodes that route and pass the caller's token on; the graph names them in `via` at most. */
  readonly gateways: readonly string[];
  /** What a client may call at least, as patterns of entry operations, where the source has no edge for it. */
  readonly mayCall: Readonly<Record<string, readonly string[]>>;
  readonly leftOut: readonly LeftOut[];
}

interface Because {
  readonly because: string;
}

/** Each matches what agrees with all keys that it gives. */
export type LeftOut =
  | ({ readonly call: Partial<OperationCall> } & Because)
  | ({ readonly edge: Partial<Omit<Edge, 'operations'>> } & Because)
  | ({ readonly entry: Entry } & Because)
  | ({ readonly service: string } & Because)
  /** An operation that the source offers and nothing in it calls. */
  | ({ readonly noCaller: Entry } & Because);

const publicCatalog = 'the routes of the catalog are public: no API scope covers them';
const publicRoutes = ['items', 'catalogbrands', 'catalogtypes'].map((name) => `GET /api/v1/catalog/${name}`);

export const readings: readonly Reading[] = [
  {
    graph: 'online-boutique',
    clients: { loadgenerator: 'loadgenerator' },
    gateways: [],
    mayCall: { storefront: ['*'] },
    leftOut: [
      {
        noCaller: {
          service: 'productcatalogservice',
          operation: '/hipstershop.ProductCatalogService/SearchProducts',
        },
        because: 'no service calls it',
      },
    ],
  },
  {
    graph: 'otel-demo',
    clients: { 'load-generator': 'load-generator' },
    gateways: [],
    mayCall: { browser: ['*'] },
    leftOut: [
      {
        call: { from: 'agent', to: 'frontend' },
        because: 'happens only without MCP, and this is the deployment with MCP: never both',
      },
      { edge: { from: 'kafka' }, because: 'a broker hands no token on' },
      {
        edge: { from: 'accounting' },
        because: 'accounting reads from the broker only, so no token reaches it',
      },
      {
        edge: { from: 'fraud-detection' },
        because: 'fraud detection reads from the broker only, so no token reaches it',
      },
      { edge: { from: 'load-generator', to: 'flagd' }, because: 'a client asks for its flags itself' },
      { service: 'accounting', because: 'reads from the broker only' },
      { service: 'fraud-detection', because: 'reads from the broker only' },
    ],
  },
  {
    graph: 'eshop-on-containers',
    clients: { webspa: 'js', xamarin: 'xamarin', webmvc: 'mvc', 'webhooks-client': 'webhooksclient' },
    gateways: ['webshoppingapigw', 'mobileshoppingapigw'],
    mayCall: {},
    leftOut: [
      { edge: { kind: 'auth' }, because: 'fetches the keys of the issuer; no token is for the issuer' },
      {
        call: { from: 'webhooks-api', to: 'webhooks-client' },
        because: 'goes to a URL that a subscriber gave, so it carries no token: mode none',
      },
      ...publicRoutes.map((toOperation) => ({
        call: { from: 'webmvc', to: 'catalog-api', toOperation },
        because: publicCatalog,
      })),
      ...publicRoutes.map((operation) => ({
        entry: { service: 'catalog-api', operation },
        because: publicCatalog,
      })),
      ...['payment-api', 'ordering-backgroundtasks'].flatMap((service) => [
        { service, because: 'reads from the broker only' },
        { edge: { from: service }, because: 'not declared: it reads from the broker only' },
      ]),
      { service: 'identity-api', because: 'is the issuer' },
      { edge: { from: 'identity-api' }, because: 'not declared: it is the issuer' },
    ],
  },
  {
    graph: 'social-network',
    clients: {},
    gateways: [],
    mayCall: { browser: ['ANY /api/*'], wrk2: ['ANY /wrk2-api/*'] },
    leftOut: [],
  },
  { graph: 'hotel-reservation', clients: {}, gateways: [], mayCall: { wrk2: ['*'] }, leftOut: [] },
  {
    graph: 'sock-shop',
    clients: { 'user-sim': 'user-sim' },
    gateways: [],
    mayCall: {
      browser: ['*'],
      'user-sim': ['GET /catalogue*', 'GET /login', 'DELETE /cart', 'POST /cart', 'POST /orders'],
    },
    leftOut: [
      { edge: { from: 'rabbitmq' }, because: 'a broker hands no token on' },
      { service: 'queue-master', because: 'reads from the broker only' },
    ],
  },
  {
    graph: 'bookinfo',
    clients: {},
    gateways: [],
    mayCall: { 'bookinfo-gateway': ['*'] },
    leftOut: [
      {
        edge: { from: 'ratings', to: 'mysqldb' },
        because: 'another version of ratings; this is the deployment with MongoDB',
      },
    ],
  },
  { graph: 'hotrod', clients: {}, gateways: [], mayCall: { browser: ['*'] }, leftOut: [] },
];

/** @returns Whether `actual` agrees with every key of `wanted`. */
export function agrees<T extends object>(actual: T, wanted: Partial<T>): boolean {
  return (Object.keys(wanted) as (keyof T)[]).every((key) => actual[key] === wanted[key]);
}

/** The exceptions of one kind, under their own key. */
export function leftOutBy<K extends string>(
  reading: Reading,
  kind: K,
): readonly Extract<LeftOut, Record<K, unknown>>[K][] {
  type Wanted = Extract<LeftOut, Record<K, unknown>>;
  return reading.leftOut.filter((one): one is Wanted => kind in one).map((one) => one[kind]);
}
