/** Gateways that name no service or cannot authenticate, opaque tokens without a reader. */
import type { Case } from './case.ts';

const AUTH = 'auth: { method: client_secret_basic, secret_env: S }';

const graph = (web: string, shop: string, more = ''): string =>
  `waybill: 1
name: test
issuer: { url: 'http://127.0.0.1:8080' }
defaults: { headers: { profile: envoy } }
clients:
  web: { ${AUTH}, ${web} }
${more}
services:
  shop: { ${shop} scopes: { browse: } }
`;

const gateway =
  '  edge: { auth: { method: client_secret_basic, secret_env: E }, introspect: [shop], calls: { shop: [browse] } }';

export const introspectionCases: readonly Case[] = [
  {
    title: 'a client that introspects for an unknown service',
    graph: graph('introspect: [‸shup], calls: { shop: [browse] }', ''),
    finds: ['unknown-service'],
    hint: /Did you mean shop\?/,
  },
  {
    title: 'a service that introspects for an unknown service',
    graph: graph('calls: { shop: [browse] }', `${AUTH}, introspect: [‸payment],`),
    finds: ['unknown-service'],
    hint: /Declare it/,
  },
  {
    title: 'a service that introspects and cannot authenticate',
    graph: graph('calls: { shop: [browse] }', 'introspect: [‸shop],'),
    finds: ['introspect-without-auth'],
    message: /shop may introspect/,
  },
  {
    title: 'an opaque token that no one can swap',
    graph: graph('token: opaque, calls: { ‸shop: [browse] }', ''),
    finds: ['opaque-without-reader'],
    hint: /introspect: \[shop\]/,
  },
  {
    title: 'nothing where a gateway stands before the entry',
    graph: graph('token: opaque, calls: { shop: [browse] }', '', gateway),
    finds: [],
  },
  {
    title: 'nothing where the entry introspects itself',
    graph: graph('token: opaque, calls: { shop: [browse] }', `${AUTH},`),
    finds: [],
  },
];
