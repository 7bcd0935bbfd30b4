/** Clients whose tokens are bound to a key: to two at once, or where a service would forward them. */
import { HEAD, client } from '../../support/compile.ts';
import type { Case } from './case.ts';

const DPOP = 'dpop_bound_access_tokens';
const CERTIFICATE = 'tls_client_certificate_bound_access_tokens';

const shop = (more: string): string =>
  `${HEAD}${client('{ shop: [browse] }', more)}services:\n  shop: { scopes: { browse: } }\n`;

/** `web` → edge, which forwards in one of its scopes; `other` → the same, bound to nothing. */
const forwarding = (more: string, mark: string): string => `${HEAD}clients:
  other: { auth: { method: client_secret_basic, secret_env: S }, calls: { edge: [start] } }
  web:
    auth: { method: client_secret_basic, secret_env: S }
    ${more}
    calls: { edge: [start, plain] }
services:
  edge: { scopes: { start: { calls: { ${mark}inner: { scopes: [read], mode: forward } } }, plain: } }
  inner: { accepts_forward: [edge], caller: none, scopes: { read: } }
`;

export const bindingCases: readonly Case[] = [
  {
    title: 'tokens that are bound to two keys, at the second',
    graph: shop(`${CERTIFICATE}: true\n    ‸${DPOP}: true`),
    finds: ['bound-twice'],
    message: /tokens of web would be bound to a certificate and to a DPoP key/,
    hint: /Keep one/,
  },
  {
    title: 'the same in the other order',
    graph: shop(`‸${DPOP}: true\n    ${CERTIFICATE}: true`),
    finds: ['bound-twice'],
  },
  {
    title: 'nothing where one of the two is false',
    graph: shop(`${CERTIFICATE}: false\n    ${DPOP}: true`),
    finds: [],
  },
  {
    title: 'a binding that is not a yes or no',
    graph: shop(`${DPOP}: ‸always`),
    finds: ['wrong-type'],
  },
  ...[DPOP, CERTIFICATE].map((key): Case => ({
    title: `a forward of a root that is bound (${key})`,
    graph: forwarding(`${key}: true`, '‸'),
    finds: ['forward-leaks'],
    message: /tokens of web are bound to a key, and edge would forward its own to inner/,
    hint: /Embed/,
  })),
  {
    title: 'nothing of a forward where the client is bound only if it asks for it',
    graph: forwarding('token: jwt', ''),
    finds: [],
  },
  {
    title: 'nothing of a forward below the root, whose token is bound to no key',
    graph: `${HEAD}${client('{ edge: [start] }', `${DPOP}: true\n    token: opaque`)}services:
  edge: { auth: { method: client_secret_basic, secret_env: E }, scopes: { start: { calls: { mid: [go] } } } }
  mid: { scopes: { go: { calls: { inner: { scopes: [read], mode: forward } } } } }
  inner: { accepts_forward: [mid], caller: none, scopes: { read: } }
`,
    finds: [],
  },
];
