/** Each part of the language that this version does not carry out. */
import type { Case } from './case.ts';

interface Parts {
  issuer?: string;
  client?: string;
  auth?: string;
  call?: string;
  service?: string;
  claim?: string;
  top?: string;
}

const graph = ({
  issuer = '',
  client = '',
  auth = '',
  call = '',
  service = '',
  claim,
  top = '',
}: Parts): string =>
  `waybill: 1
name: test
issuer: { url: 'http://127.0.0.1:8080' ${issuer} }
defaults: { headers: { profile: envoy } }
claims: { tier: ${claim ?? '{ from: client, max_bytes: 9 }'} }
${top}
clients:
  web:
    auth: { ${auth || 'method: client_secret_basic, secret_env: S'} }
    claims: { tier: gold }
    ${client}
    calls: { shop: [browse] }
services:
  shop:
    claims: [tier]
    scopes: { browse: { calls: { ads: { scopes: [read] ${call} } } } }
  ads:
    scopes: { read: }
    ${service}
`;

const cases: readonly (readonly [title: string, parts: Parts, says: RegExp, more?: Case['finds']])[] = [
  ['the packed encoding', { issuer: ', encoding: ‸packed' }, /packed encoding/],
  ['overflow into exchange', { issuer: ', overflow: ‸exchange' }, /exchange/],
  ['subjects', { top: "subjects: { ‸login: { issuer: 'https://a.example', audience: b } }" }, /Subjects/],
  ['an external zone', { top: 'zones: { a: { external: ‸true } }', service: 'zone: a' }, /zones/],
  [
    'zones of a claim',
    { claim: '{ from: client, max_bytes: 9, ‸zones: [a] }', top: 'zones: { a: }', service: 'zone: a' },
    /zones/,
  ],
  ['a grant of users', { client: 'grants: [client_credentials, ‸token_exchange]' }, /token_exchange/],
  ['the grant jwt_bearer', { client: 'grants: [‸jwt_bearer]' }, /jwt_bearer/],
  ['subjects of a client', { client: '‸subjects: [login]' }, /identity providers/],
  ['an opaque token', { client: 'token: ‸opaque' }, /opaque/],
  ['introspection by a client', { client: '‸introspect: [shop]' }, /Introspection/],
  ['introspection by a service', { service: '‸introspect: [shop]' }, /Introspection/],
  ['a client in a zone', { client: '‸zone: a', top: 'zones: { a: }', service: 'zone: a' }, /zones/],
  ['a service that checks its callers', { service: 'caller: ‸mtls' }, /caller: mtls/],
  ['an encryption key', { service: '‸encryption: { jwks_file: a }' }, /Sealing/],
  ['a sealed call', { call: ', seal: ‸true' }, /Sealing/],
  ['a call for some subjects', { call: ', ‸when: { read: { role: [a] } }' }, /when/],
  [
    'a service with a key of its own',
    { service: 'auth: { method: ‸private_key_jwt, jwks_file: a }' },
    /private_key_jwt/,
  ],
  ...['private_key_jwt', 'tls_client_auth', 'self_signed_tls_client_auth', 'spiffe_x509', 'spiffe_jwt'].map(
    (method) => [`a client with ${method}`, { auth: `method: ‸${method}` }, new RegExp(method)] as const,
  ),
  [
    'a claim from the subject',
    { claim: '{ from: ‸subject, max_bytes: 9 }', client: 'x-note: here' },
    /subject/,
    ['unknown-claim'],
  ],
];

export const notYetCases: readonly Case[] = [
  ...cases.map(([title, parts, message, more = []]): Case => {
    const marked = graph(parts);
    const text = more.includes('unknown-claim')
      ? marked.replace('claims: { tier: gold }', 'claims: { ‸tier: gold }')
      : marked;
    return { title, graph: text, finds: ['not-yet', ...more], message, hint: /silently ignored/ };
  }),
  {
    title: 'calls of a whole service that are sealed or limited',
    graph: graph({
      service: 'calls: { tax: { scopes: [rate], seal: ‸true, ‸when: {} } }\n  tax: { scopes: { rate: } }',
    }),
    finds: ['not-yet', 'not-yet'],
  },
];
