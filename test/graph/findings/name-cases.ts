/** Names that nothing declares, callers that are not listed, parties that cannot be told apart. */
import { HEAD, client } from '../../support/compile.ts';
import type { Case } from './case.ts';

const graph = (calls: string, services: string, more = ''): string =>
  `${HEAD}${client(calls)}services:\n${services.replaceAll(/^/gm, '  ')}\n${more}`;

export const nameCases: readonly Case[] = [
  {
    title: 'a scope that is both ignored and granted',
    graph: `${HEAD.replace("8080'", "8080', ignore_scopes: [openid, ‸profile]")}${client('{ shop: [browse, profile] }')}services:
  shop: { scopes: { browse: , profile: } }
`,
    finds: ['ignored-scope'],
    message: /web may ask shop for profile, which is dropped/,
  },
  {
    title: 'an unknown service, with the nearest',
    graph: graph(
      '{ shop: [browse] }',
      'shop: { scopes: { browse: { calls: { ‸stok: [read] } } } }\nstock: { scopes: { read: } }',
    ),
    finds: ['unknown-service'],
    leftOut: ['unreachable-service'],
    hint: /Did you mean stock\?/,
  },
  {
    title: 'an unknown service near to none',
    graph: graph('{ shop: [browse] }', 'shop: { scopes: { browse: { calls: { ‸payments: [charge] } } } }'),
    finds: ['unknown-service'],
    hint: /mode: none/,
  },
  {
    title: 'a call of a client',
    graph: graph('{ shop: [browse] }', 'shop: { scopes: { browse: { calls: { ‸web: [home] } } } }'),
    finds: ['unknown-service'],
    message: /is a client/,
  },
  {
    title: 'scopes of a callee outside the graph',
    graph: graph(
      '{ shop: [browse] }',
      'shop: { scopes: { browse: { calls: { ‸queue: { scopes: [send], mode: none } } } } }',
    ),
    finds: ['unknown-service'],
    hint: /take the scopes out/,
  },
  {
    title: 'services named like what every object has',
    graph: graph(
      '{ shop: [browse] }',
      'shop: { scopes: { browse: { calls: { ‸constructor: [a], ‸toString: [b], ‸hasOwnProperty: [c] } } } }',
    ),
    finds: ['unknown-service', 'unknown-service', 'unknown-service'],
  },
  {
    title: 'a service that accepts the token of an unknown one',
    graph: graph('{ shop: [browse] }', 'shop: { accepts_forward: [‸shopp], scopes: { browse: } }'),
    finds: ['unknown-service'],
    hint: /Did you mean shop\?/,
  },
  {
    title: 'an unknown scope, with the nearest',
    graph: graph('{ shop: [‸brows, browse] }', 'shop: { scopes: { browse: } }'),
    finds: ['unknown-scope'],
    hint: /Did you mean browse\?/,
  },
  {
    title: 'an unknown scope near to none',
    graph: graph('{ shop: [browse, ‸refund] }', 'shop: { scopes: { browse: } }'),
    finds: ['unknown-scope'],
    hint: /It has: browse\./,
  },
  {
    title: 'scopes named like what every object has',
    graph: graph('{ shop: [browse, ‸__proto__, ‸constructor, ‸toString] }', 'shop: { scopes: { browse: } }'),
    finds: ['unknown-scope', 'unknown-scope', 'unknown-scope'],
  },
  {
    title: 'a default scope outside the calls of its client',
    graph: `${HEAD}${client('{ shop: [browse] }', 'default_scopes: [‸brwse]')}services:\n  shop: { scopes: { browse: } }\n`,
    finds: ['unknown-scope'],
    hint: /Did you mean browse\?/,
  },
  {
    title: 'a default scope of a call for which no token is issued',
    graph: `${HEAD}${client('{ shop: [browse], log: { scopes: [write], mode: none } }', 'default_scopes: [‸write]')}services:
  shop: { scopes: { browse: } }
  log: { scopes: { write: } }
`,
    finds: ['unknown-scope'],
  },
  {
    title: 'unknown claims of a service and of a scope, with the nearest',
    graph: graph(
      '{ shop: [browse] }',
      'shop: { claims: [‸regon!, region, ‸constructor], scopes: { browse: { claims: [‸toString] } } }',
      'claims: { region: { value: eu } }\n',
    ),
    finds: ['unknown-claim', 'unknown-claim', 'unknown-claim'],
    hint: /Did you mean region\?/,
  },
  {
    title: 'a value for a claim that no one takes from the client',
    graph: `${HEAD}claims: { region: { value: eu }, tier: { from: client, max_bytes: 9 } }
${client('{ shop: [browse] }', 'claims: { ‸region: us, tier: a, ‸__proto__: b }')}services:
  shop: { claims: [region, tier], scopes: { browse: } }
`,
    finds: ['unknown-claim', 'unknown-claim'],
  },
  {
    title: 'unknown zones, with the nearest',
    graph: graph(
      '{ shop: [browse] }',
      'shop: { zone: ‸msh, scopes: { browse: } }\n‸x: { zone: mesh }',
      'zones: { mesh: }\n',
    ),
    finds: ['unknown-zone', 'unreachable-service'],
    hint: /Did you mean mesh\?/,
  },
  {
    title: 'an unknown zone of all services, once',
    graph: graph(
      '{ shop: [browse], b: [s] }',
      'shop: { scopes: { browse: } }\nb: { scopes: { s: } }',
    ).replace('defaults: {', 'defaults: { zone: ‸mesh,'),
    finds: ['unknown-zone'],
    hint: /`zones`/,
  },
  {
    title: 'an unknown caller, with the nearest',
    graph: graph('{ shop: [browse] }', 'shop: { scopes: { browse: { callers: [web, ‸wep] } } }'),
    finds: ['unknown-caller'],
    hint: /Did you mean web\?/,
  },
  {
    title: 'an unknown caller near to none',
    graph: graph('{ shop: [browse] }', 'shop: { scopes: { browse: { callers: [web, ‸somebody] } } }'),
    finds: ['unknown-caller'],
    hint: /`clients` or `services`/,
  },
  {
    title: 'unknown profiles of a server, a zone and a call, with the nearest',
    graph: graph(
      '{ shop: { scopes: [browse], via: [‸ngnix] } }',
      'shop: { zone: mesh, headers: { profile: ‸tomact }, scopes: { browse: } }',
      'zones: { mesh: { via: [‸constructor, { profile: ‸envoi, max_line: 9KiB }] } }\n',
    ),
    finds: ['unknown-profile', 'unknown-profile', 'unknown-profile', 'unknown-profile'],
    hint: /Did you mean nginx\?/,
  },
  {
    title: 'an unknown profile of all services at `defaults`, once',
    graph: graph(
      '{ shop: [browse], b: [s] }',
      'shop: { headers: { max_total: 20KiB }, scopes: { browse: } }\nb: { scopes: { s: } }',
    ).replace('profile: envoy', 'profile: ‸envoyy, max_total: 9KiB'),
    finds: ['unknown-profile'],
  },
  {
    title: 'a profile without a number',
    graph: graph(
      '{ shop: { scopes: [browse], via: [‸gcp-alb, { profile: akamai, max_total: 16KiB }] } }',
      'shop: { scopes: { browse: } }',
    ),
    finds: ['profile-without-number'],
    hint: /max_total/,
  },
  {
    title: 'a caller that the callee does not list, in the file of the caller',
    graph: {
      'a-shop.yaml': `${HEAD}${client('{ shop: [browse] }')}services:\n  shop: { scopes: { browse: { calls: { payment: [‸charge, refund] } } } }\n`,
      'b-payment.yaml':
        'waybill: 1\nservices:\n  payment:\n    scopes:\n      charge: { callers: [web] }\n      refund: { callers: [shop] }\n',
    },
    finds: ['caller-not-listed'],
    message: /shop may not call payment:charge; its callers are: web/,
    hint: /owner of payment .*b-payment\.yaml:5/,
  },
  {
    title: 'a client that the callee does not list, and a scope that no one may call',
    graph: graph(
      '{ shop: [‸browse, ‸close] }',
      'shop: { scopes: { browse: { callers: [shop] }, close: { callers: [] } } }',
    ),
    finds: ['caller-not-listed', 'caller-not-listed'],
  },
  {
    title: 'a caller that is not listed and issues nothing',
    graph: graph(
      '{ shop: { scopes: [‸browse], mode: none } }',
      'shop: { scopes: { browse: { callers: [shop] } } }',
    ),
    finds: ['caller-not-listed'],
  },
  {
    title: 'two services with one audience and one identity',
    graph: graph(
      '{ a: [s], b: [s] }',
      'a: { audience: x, identity: i, scopes: { s: } }\nb: { audience: ‸x, identity: ‸i, scopes: { s: } }',
    ),
    finds: ['duplicate-audience', 'duplicate-identity'],
    message: /a and b have the same audience x/,
  },
  {
    title: 'an audience and an identity among several that another service has too',
    graph: graph(
      '{ a: [s], b: [s] }',
      'a: { audience: [x, y], identity: [i, k], scopes: { s: } }\nb: { audience: [z, ‸y], identity: [‸k, j], scopes: { s: } }',
    ),
    finds: ['duplicate-audience', 'duplicate-identity'],
    message: /a and b have the same audience y/,
  },
  {
    title: 'audiences that are one address to a middleware, in other spellings',
    graph: graph(
      '{ a: [s], b: [s], c: [s] }',
      "a: { audience: 'https://shop.example', scopes: { s: } }\nb: { audience: ‸'https://SHOP.example:443/', scopes: { s: } }\nc: { audience: 'https://shop.example/c', scopes: { s: } }",
    ),
    finds: ['duplicate-audience'],
    message: /a and b have the same audience/,
  },
  {
    title: 'audiences of one service that become one',
    graph: graph('{ a: [s] }', "a: { audience: ['a', ‸'{name}'], scopes: { s: } }"),
    finds: ['duplicate-audience'],
    message: /a has the audience a twice/,
  },
  {
    title: 'five audiences, and the same identity twice',
    graph: graph('{ a: [s] }', 'a: { audience: ‸[a, b, c, d, e], identity: ‸[i, i], scopes: { s: } }'),
    finds: ['invalid-value', 'invalid-value'],
  },
  {
    title: 'a second identity that is the name of the client (L9, threat 24)',
    graph: graph('{ a: [s] }', 'a: { identity: [x, ‸web], scopes: { s: } }'),
    finds: ['duplicate-identity'],
    message: /The identity of a, web, is the name of the client web/,
  },
  {
    title: 'a second identity that is no SPIFFE ID of a workload, and a second audience that is no URI',
    graph: graph(
      '{ a: [s] }',
      "a: { audience: [a, ‸'https://'], identity: [a, ‸'spiffe://Shop/a'], scopes: { s: } }",
    ),
    finds: ['invalid-value', 'invalid-value'],
  },
  {
    title: 'an identity that is the name of the client (L9, threat 24)',
    graph: graph('{ a: [s] }', 'a: { identity: ‸web, scopes: { s: } }'),
    finds: ['duplicate-identity'],
    message: /The identity of a, web, is the name of the client web/,
  },
  {
    title: 'an identity that is the name of another service (L9, threat 24)',
    graph: graph(
      '{ a: [s], b: [s] }',
      'a: { identity: ‸b, scopes: { s: } }\nb: { identity: x, scopes: { s: } }',
    ),
    finds: ['duplicate-identity'],
    message: /is the name of the service b/,
  },
  {
    title: 'an audience in `defaults` that is the same for all, once',
    graph: graph(
      '{ a: [s], b: [s], c: [s] }',
      'a: { scopes: { s: } }\nb: { scopes: { s: } }\nc: { scopes: { s: } }',
    ).replace('defaults: {', "defaults: { audience: ‸'https://shop.example',"),
    finds: ['duplicate-audience'],
    hint: /\{name\}/,
  },
  {
    title: 'a namespace in `defaults` that a service does not have, once',
    graph: graph(
      '{ a: [s], b: [s], c: [s] }',
      'a: { scopes: { s: } }\nb: { scopes: { s: } }\nc: { namespace: shop, scopes: { s: } }',
    ).replace(
      'defaults: {',
      "defaults: { audience: ‸'https://{name}.{namespace}.svc', identity: ‸'spiffe://cluster.local/ns/{namespace}/sa/{name}',",
    ),
    finds: ['placeholder-without-value', 'placeholder-without-value'],
    message: /a has no namespace/,
  },
  {
    title: 'an unknown placeholder in `defaults`, once',
    graph: graph('{ a: [s], b: [s] }', 'a: { scopes: { s: } }\nb: { scopes: { s: } }').replace(
      'defaults: {',
      "defaults: { audience: ‸'https://{nme}.shop.example',",
    ),
    finds: ['unknown-placeholder'],
    message: /`audience` contains the unknown placeholder \{nme\}/,
    hint: /Did you mean name\? Known: \{name\}, \{namespace\}, \{zone\}, \{label\.KEY\}\./,
  },
  {
    title: "an unknown placeholder in a service's own identity, where known ones are filled in",
    graph: graph(
      '{ a: [s] }',
      "a: { audience: 'https://{name}.shop.example', identity: ‸'shop-{service}', scopes: { s: } }",
    ),
    finds: ['unknown-placeholder'],
  },
  {
    title: 'an unknown placeholder in a SPIFFE ID and in the port of an audience, and nothing more of them',
    graph: graph(
      '{ a: [s] }',
      "a: { audience: ‸'https://a.example:{port}', identity: ‸'spiffe://shop.example/{zon}', scopes: { s: } }",
    ),
    finds: ['unknown-placeholder', 'unknown-placeholder'],
  },
  {
    title: 'placeholders without a value, and nothing more of the texts with them',
    graph: graph(
      '{ a: [s], b: [s] }',
      `a: { scopes: { s: } }
b: { zone: mesh, labels: { tier: x }, scopes: { s: } }`,
      'zones: { mesh: }\n',
    ).replace(
      'defaults: {',
      "defaults: { identity: ‸‸'spiffe://shop.example/{zone}/{label.tier}/{name}', auth: { method: spiffe_x509, spiffe_id: ‸'spiffe://shop.example/{zone}/{name}', bundle_file: b },",
    ),
    finds: ['placeholder-without-value', 'placeholder-without-value', 'placeholder-without-value'],
    message: /^a has no (zone|label tier) for/,
  },
  {
    title: 'a client that does not authenticate',
    graph: graph('{ a: [s] }', 'a: { scopes: { s: } }')
      .replace(/auth: \{[^}]*\}/, 'auth: none')
      .replace('web:', '‸web:'),
    finds: ['invalid-value'],
    message: /web does not authenticate/,
  },
  {
    title: 'services that share the credential of `defaults`, once',
    graph: graph(
      '{ a: [s], b: [s], c: [s] }',
      'a: { scopes: { s: } }\nb: { scopes: { s: } }\nc: { auth: none, scopes: { s: } }',
    ).replace('defaults: {', 'defaults: { auth: ‸{ method: client_secret_basic, secret_env: S },'),
    finds: ['duplicate-identity'],
    message: /^a and b authenticate with the same credential/,
  },
  {
    title: 'a placeholder in a scope',
    graph: graph("{ a: ['read:{id}'] }", "a: { scopes: { ‸'read:{id}': } }"),
    finds: ['unknown-placeholder'],
    hint: /no placeholders here/,
  },
  {
    title: 'a star in an audience and in a scope',
    graph: graph("{ a: ['read:*'] }", "a: { audience: ‸'https://*.shop.example', scopes: { ‸'read:*': } }"),
    finds: ['looks-like-pattern', 'looks-like-pattern'],
    message: /is a letter like any other/,
  },
  {
    title: 'a star in `callers`, once, and how to let everyone call',
    graph: graph('{ a: [s] }', "a: { scopes: { s: { callers: [‸'*'] } } }"),
    finds: ['unknown-caller'],
    leftOut: ['caller-not-listed'],
    message: /^There is no client or service \*: names are compared exactly, and are no patterns\.$/,
    hint: /^Write out each name that is meant\. Without `callers`, everyone may call/,
  },
  {
    title: 'regular expressions and stars in every list of names',
    graph: `${HEAD.replace('caller: mtls', "caller: mtls, zone: ‸'m*'")}
zones: { mesh: }
claims: { role: { value: 1, zones: [‸'/m.*/', mesh] } }
clients:
  web:
    auth: { method: client_secret_basic, secret_env: S }
    grants: [token_exchange]
    subjects: [‸'*']
    calls: { a: [s] }
  edge: { auth: { method: client_secret_basic, secret_env: S }, introspect: [‸'/s.*/'], calls: {} }
services:
  a: { accepts_forward: [‸'a*'], claims: [‸'r*!'], scopes: { s: } }
`,
    finds: [
      'unknown-zone',
      'unknown-zone',
      'unknown-subject',
      'unknown-service',
      'unknown-service',
      'unknown-claim',
    ],
    message: /are no patterns\.$/,
    hint: /^Write out each name that is meant\.$/,
  },
  {
    title: 'a star among the scopes of a call, with the scopes that there are',
    graph: graph("{ a: [‸'read:*'] }", "a: { scopes: { 'read:x': , 'read:y': } }"),
    finds: ['unknown-scope'],
    message: /^a has no scope read:\*: names are compared exactly/,
    hint: /^It has: read:x, read:y\.$/,
  },
  {
    title: 'names with stars of callees and services',
    graph: graph("{ a: [s], ‸'*': [x] }", "a: { scopes: { s: } }\n‸'/b/': { scopes: { x: } }"),
    finds: ['invalid-value', 'invalid-value'],
    message: /^The name "\*" cannot be a pattern\.$/,
  },
  {
    title: 'a name that no declaration can have, once, with the nearest',
    graph: graph('{ a: [s] }', "a: { scopes: { s: { callers: [web, ‸'we?', ‸''] } } }"),
    finds: ['unknown-caller', 'invalid-value'],
    hint: /Did you mean web\?/,
  },
  {
    title: 'an audience that is the plain name of another service',
    graph: graph('{ a: [s], b: [s] }', 'a: { scopes: { s: } }\nb: { audience: ‸a, scopes: { s: } }'),
    finds: ['duplicate-audience'],
  },
  {
    title: 'audiences that are none',
    graph: graph(
      '{ a: [s], b: [s], c: [s], d: [s] }',
      "a: { audience: ‸'', scopes: { s: } }\nb: { audience: 'https://b.example/‸#x', scopes: { s: } }".replace(
        "'https://b.example/‸#x'",
        "‸'https://b.example/#x'",
      ) + "\nc: { audience: ‸'https://[', scopes: { s: } }\nd: { audience: ‸two words, scopes: { s: } }",
    ),
    finds: ['invalid-value', 'invalid-value', 'invalid-value', 'invalid-value'],
  },
  {
    title: 'a call without scopes',
    graph: graph('{ shop: { ‸mode: embed } }', 'shop: { scopes: { ‸browse: } }')
      .replace('{ ‸mode', '‸{ mode')
      .replace('shop: ‸{ mode', '‸shop: { mode'),
    finds: ['missing-key', 'unused-scope'],
    hint: /browse/,
  },
  {
    title: 'a party whose secret is nowhere, and one whose secret is in two places',
    graph: `${HEAD}clients:
  web: { auth: ‸{ method: client_secret_post }, calls: { shop: [browse] } }
  app: { auth: ‸{ method: client_secret_basic, secret_env: A, secret_file: /b }, calls: { shop: [browse] } }
services:
  shop: { scopes: { browse: } }
`,
    finds: ['secret-source', 'secret-source'],
  },
  {
    title: 'a party whose key is nowhere, in two places, or beside a secret',
    graph: `${HEAD}clients:
  a: { auth: ‸{ method: private_key_jwt }, calls: { shop: [browse] } }
  b: { auth: ‸{ method: private_key_jwt, jwks_file: b, jwks_uri: 'https://b.example/jwks' }, calls: { shop: [browse] } }
  c: { auth: ‸{ method: private_key_jwt, jwks_file: c, secret_env: C }, calls: { shop: [browse] } }
  d: { auth: ‸{ method: client_secret_basic, secret_env: D, jwks_file: d }, calls: { shop: [browse] } }
services:
  shop: { scopes: { browse: } }
`,
    finds: ['key-source', 'key-source', 'key-source', 'secret-source'],
  },
  {
    title: 'a party whose certificate is none, two, or not said to be which',
    graph: `${HEAD}clients:
  a: { auth: ‸{ method: tls_client_auth }, calls: { shop: [browse] } }
  b: { auth: ‸{ method: tls_client_auth, san_dns: b, san_uri: 'https://b' }, calls: { shop: [browse] } }
  c: { auth: ‸{ method: self_signed_tls_client_auth, san_dns: c }, calls: { shop: [browse] } }
  d: { auth: ‸{ method: spiffe_x509, spiffe_id: 'spiffe://a.example/d' }, calls: { shop: [browse] } }
  e: { auth: { method: spiffe_x509, spiffe_id: ‸'spiffe://a.example/', bundle_file: e }, calls: { shop: [browse] } }
  f: { auth: ‸{ method: spiffe_x509, bundle_file: f }, calls: { shop: [browse] } }
  g: { auth: ‸{ method: spiffe_jwt, spiffe_id: 'spiffe://a.example/g', jwks_file: g }, calls: { shop: [browse] } }
  h: { auth: ‸{ method: spiffe_jwt, bundle_file: h }, calls: { shop: [browse] } }
services:
  shop: { auth: { method: spiffe_x509, bundle_file: g }, identity: 'spiffe://a.example/shop', scopes: { browse: } }
`,
    finds: [
      'certificate-name',
      'certificate-name',
      'key-source',
      'key-source',
      'invalid-value',
      'invalid-value',
      'key-source',
      'invalid-value',
    ],
  },
  {
    title: 'a trust domain with two bundles, and a bundle of two trust domains',
    graph: `${HEAD}clients:
  a: { auth: { method: spiffe_x509, spiffe_id: 'spiffe://a.example/a', bundle_file: a }, calls: { shop: [browse] } }
  b: { auth: { method: spiffe_jwt, spiffe_id: 'spiffe://b.example/b', bundle_file: b }, calls: { shop: [browse] } }
  c: { auth: ‸{ method: spiffe_jwt, spiffe_id: 'spiffe://a.example/c', bundle_file: c }, calls: { shop: [browse] } }
  d: { auth: ‸{ method: spiffe_x509, spiffe_id: 'spiffe://d.example/d', bundle_file: b }, calls: { shop: [browse] } }
services:
  shop: { auth: { method: spiffe_jwt, bundle_file: a }, identity: 'spiffe://a.example/shop', scopes: { browse: } }
`,
    finds: ['trust-bundle', 'trust-bundle'],
    message: /a\.example is a elsewhere, and c here/,
  },
  {
    title: 'an identity that is no SPIFFE ID and means to be one, once where it stands in defaults',
    graph: `${HEAD.replace('defaults: {', "defaults: { identity: ‸'spiffe://Shop.example/{name}',")}clients:
  a: { auth: { method: client_secret_basic, secret_env: S }, calls: { shop: [browse], ads: [show], bids: [place] } }
services:
  shop: { scopes: { browse: } }
  ads: { scopes: { show: } }
  bids: { identity: ‸'SPIFFE://shop.example/bids', scopes: { place: } }
`,
    finds: ['invalid-value', 'invalid-value'],
    message: /not the SPIFFE ID of a workload/,
  },
  {
    title: 'a key that would come over the network without TLS',
    graph: `${HEAD}clients:
  a: { auth: { method: private_key_jwt, jwks_uri: ‸'http://a.example/jwks' }, calls: { shop: [browse] } }
services:
  shop: { scopes: { browse: } }
`,
    finds: ['invalid-value'],
    message: /neither https/,
  },
];
