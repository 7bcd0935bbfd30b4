/** Claims, where they come from and how large they get; the issuer's own URL. */
import { HEAD, client } from '../../support/compile.ts';
import type { Case } from './case.ts';

const graph = (claims: string, uses: string, values = ''): string =>
  `${HEAD}claims:\n${claims.replaceAll(/^/gm, '  ')}\n${client('{ shop: [browse] }', values)}services:
  shop: { claims: [${uses}], scopes: { browse: } }
`;

const RESERVED =
  'iss sub aud exp nbf iat jti client_id scope txn act may_act cnf embedded on_demand held'.split(' ');

const WRONG_URLS: Readonly<Record<string, readonly string[]>> = {
  'neither https nor http on loopback': [
    'http://tokens.example',
    'http://127.0.0.1.evil.example',
    'http://localhost.evil',
    'http://localhost.',
    'http://128.0.0.1',
    'http://0.0.0.0',
    'http://[::2]',
    'http://127.0.0.1@evil.example',
    'ftp://127.0.0.1',
    'javascript:alert(1)',
    'file:///etc/passwd',
  ],
  'a query, a fragment or a user name': [
    'https://tokens.example?x=1',
    'https://tokens.example?',
    'https://tokens.example#x',
    'https://tokens.example#',
    'https://user@tokens.example',
    'https://:word@tokens.example',
  ],
  'ends with a slash': ['https://tokens.example/', 'https://tokens.example/a/', 'http://[::1]:80//'],
  'is not a URL': ['tokens.example', '/tokens', 'https://', 'https://a b.example', 'https://[::1'],
  'not in the form': [
    'https:tokens.example',
    'https:/tokens.example',
    ' https://tokens.example',
    'HTTPS://tokens.example',
    'https://Tokens.example',
    'https://tokens.example:443',
    'https://tokens.example/a/../b',
    'https://tökens.example',
    'http://127.1:8080',
    'http://0x7f.0.0.1',
    'http://[0:0:0:0:0:0:0:1]',
  ],
};

export const issuerUrlCases: readonly Case[] = Object.entries(WRONG_URLS).flatMap(([message, urls]) =>
  urls.map((url) => ({
    title: `the issuer URL ${JSON.stringify(url)}`,
    graph: `waybill: 1
name: test
issuer: { url: ‸'${url}' }
defaults: { headers: { profile: envoy } }
${client('{ shop: [browse] }')}services:
  shop: { scopes: { browse: } }
`,
    finds: ['issuer-url'] as const,
    message: new RegExp(message),
  })),
);

/** What is written, and why a token cannot carry it. */
const INEXACT: readonly (readonly [number: string, why: RegExp])[] = [
  ['9007199254740993', /9007199254740993: readers of JSON keep numbers up to 9007199254740991/],
  ['9007199254740992', /keep numbers up to/],
  ['-9007199254740992', /keep numbers up to/],
  ['12345678901234567890', /keep numbers up to/],
  ['0x20000000000000', /keep numbers up to/],
  ['1e21', /keep numbers up to/],
  ['1e400', /keep numbers up to/],
  [`-${'9'.repeat(400)}.5`, /keep numbers up to/],
  [`0x${'f'.repeat(300)}`, /keep numbers up to/],
  ['.inf', /\.inf: JSON has no such number/],
  ['-.INF', /no such number/],
  ['.nan', /no such number/],
  ['1e-400', /readers of JSON see 0\./],
  ['0.1000000000000000055', /readers of JSON see 0\.1\./],
  ['3.14159265358979323846', /readers of JSON see 3\.141592653589793\./],
];

/** As text, or kept by a double: also where it prints in another form. */
const EXACT =
  "[9007199254740991, -9007199254740991, 0x1FFFFFFFFFFFFF, 0.1, 1.10, 1e3, 5., .5, +1, -0, 0e999, 1e-7, 2.5e-300, '9007199254740993', '.inf', 3.141592653589793]";

export const claimCases: readonly Case[] = [
  ...INEXACT.map(([number, message]) => ({
    title: `a claim with the number ${number.slice(0, 24)}`,
    graph: graph(`fine: { value: ${EXACT} }\na: { value: ‸${number} }`, 'a, fine'),
    finds: ['inexact-number'] as const,
    message,
    hint: new RegExp(`^Write it as text: '${number.replace('.', '\\.')}'\\.$`),
  })),
  {
    title: "such numbers anywhere in a claim's value, each once, but not in extension keys",
    graph: graph(
      'list: { value: { ids: [1, ‸9007199254740993], more: { deep: [[‸.inf]], x-note: .nan } } }\ntier: { from: client }\nrank: { from: client }',
      'list, tier, rank',
      'claims: { tier: &ids [‸12345678901234567890, { a: ‸.nan }], rank: *ids }\n    x-id: 9007199254740993',
    ),
    finds: ['inexact-number', 'inexact-number', 'inexact-number', 'inexact-number'],
  },
  ...RESERVED.map((name) => ({
    title: `the reserved claim ${name}`,
    graph: graph(`‸${name}: { value: x }`, name),
    finds: ['reserved-claim'] as const,
  })),
  {
    title: 'a claim from nowhere, and one from two places',
    graph: graph('‸a: { max_bytes: 4 }\n‸b: { from: client, value: 1, max_bytes: 4 }', 'a, b'),
    finds: ['claim-source', 'claim-source'],
  },
  {
    title: 'a claim of the request without a type, with `any`, or with a path',
    graph: graph(
      '‸a: { from: request }\nb: { from: request, type: ‸any }\nc: { from: request, type: int, path: ‸x.c }',
      'a, b, c',
    ),
    finds: ['claim-source', 'claim-source', 'claim-source'],
    message: /a of the request has no type/,
  },
  {
    title: 'a claim of the request that has the name of a member of `authorization_details`',
    graph: graph('‸type: { from: request, type: string, max_bytes: 9 }', 'type'),
    finds: ['reserved-claim'],
  },
  {
    title: 'who sets a claim that is not of the request',
    graph: graph(
      'a: { from: client, set_by: ‸gateway }\nb: { from: request, type: int, set_by: client }',
      'a, b',
      'claims: { a: 1 }',
    ),
    finds: ['claim-source'],
    message: /`set_by`, and its value is the client's/,
  },
  {
    title: 'fixed values of another type, or none of the allowed ones',
    graph: graph(
      [
        '‸a: { value: x, type: int }',
        '‸b: { value: 1.5, type: int }',
        '‸c: { value: 1, type: bool }',
        '‸d: { value: [1], type: strings }',
        '‸e: { value: true, type: string }',
        '‸f: { value: GBP, values: [EUR, USD] }',
        '‸g: { value: [EUR, GBP], type: strings, values: [EUR, USD] }',
        'h: { value: [EUR], type: strings, values: [EUR, USD] }',
        'i: { value: -9007199254740991, type: int }',
        'j: { value: false, type: bool }',
        'k: { value: [], type: strings }',
      ].join('\n'),
      'a, b, c, d, e, f, g, h, i, j, k',
    ),
    finds: Array.from({ length: 7 }, () => 'claim-value' as const),
    message: /The value of a is not of its type, `int`/,
  },
  {
    title: "a client's value of another type",
    graph: graph('level: { from: client, type: int }', 'level', "claims: { ‸level: '3' }"),
    finds: ['claim-value'],
  },
  {
    title: 'allowed values of another type, and over the bound',
    graph: graph(
      'a: { from: request, type: int, values: [1, ‸two] }\nb: { from: request, type: strings, values: [ok, ‸7], max_bytes: 9 }\nc: { from: request, type: string, values: [‸long], max_bytes: 3 }',
      'a, b, c',
    ),
    finds: ['claim-value', 'claim-value', 'claim-too-large'],
  },
  {
    title: 'an allowed value that no token can carry',
    graph: graph('a: { from: request, type: int, values: [‸‸9007199254740993] }', 'a'),
    finds: ['inexact-number', 'claim-value'],
  },
  {
    title: 'more claims of the request than 32',
    graph: graph(
      Array.from({ length: 33 }, (_, n) => `${n === 32 ? '‸' : ''}c${n}: { from: request, type: int }`).join(
        '\n',
      ),
      Array.from({ length: 33 }, (_, n) => `c${n}`).join(', '),
    ),
    finds: ['too-many-request-claims'],
    message: /33 claims are `from: request`; a graph has at most 32/,
  },
  {
    title: 'claims of the request that are larger than 2 KiB together, by their defaults and bounds',
    graph: graph(
      `a: { from: request, type: string, max_bytes: 1774 }\nb: { from: request, type: strings }\nc: { from: request, type: int }\n‸d: { from: request, type: string, values: [ab, c] }`,
      'a, b, c, d',
    ),
    finds: ['too-many-request-claims'],
    message: /up to 2049 bytes together; at most 2048/,
  },
  {
    title: 'a claim that a gateway must set, for a client that receives JWTs',
    graph: graph('ip: { from: request, set_by: gateway, type: string }', 'ip!').replace('  web:', '  ‸web:'),
    finds: ['claim-without-value'],
    message: /shop needs the claim ip of a gateway, and web has no value/,
    hint: /`token: opaque`/,
  },
  {
    title: 'a claim whose value is empty',
    graph: graph('‸a: { value: }', 'a'),
    finds: ['claim-source'],
  },
  {
    title: 'a fixed value over its bound, in bytes of UTF-8',
    graph: graph("fits: { value: 'grün', max_bytes: 5 }\n‸a: { value: 'grün', max_bytes: 4 }", 'a, fits'),
    finds: ['claim-too-large'],
    message: /5 bytes; its `max_bytes` is 4/,
  },
  {
    title: "a client's value over its bound, for each claim that takes it",
    graph: graph(
      'tier: { from: client, max_bytes: 2 }\nlevel: { from: client, path: tier, max_bytes: 3 }\nrank: { from: client, path: tier, max_bytes: 40 }',
      'tier, level, rank',
      "claims: { ‸‸tier: 'gold' }",
    ),
    finds: ['claim-too-large', 'claim-too-large'],
  },
  {
    title: 'a claim that must have a value and has none',
    graph: graph('tier: { from: client, path: level, max_bytes: 9 }', 'tier!').replace('  web:', '  ‸web:'),
    finds: ['claim-without-value'],
    message: /shop needs the claim tier, and web has no value/,
    hint: /claims: \{ level: … \}` to web/,
  },
  {
    title: 'a claim that must have a value and is null',
    graph: graph('tier: { from: client, max_bytes: 9 }', 'tier!', 'claims: { tier: null }').replace(
      '  web:',
      '  ‸web:',
    ),
    finds: ['claim-without-value'],
  },
  {
    title: 'a claim that a fetched token must have, for the client that has none',
    graph: `${HEAD}claims: { tier: { from: client, max_bytes: 9 } }
clients:
  rich: { auth: &auth { method: client_secret_basic, secret_env: S }, claims: { tier: a }, calls: { shop: [browse] } }
  ‸poor: { auth: *auth, calls: { shop: [browse] } }
services:
  shop:
    auth: *auth
    scopes: { browse: { calls: { ads: { scopes: [read], mode: exchange } } } }
  ads: { scopes: { read: { claims: [tier!] } } }
`,
    finds: ['claim-without-value'],
    message: /ads needs the claim tier, and poor/,
  },
  {
    title: 'a claim that nothing names',
    graph: graph('a: { value: 1 }\n‸b: { value: 1 }', 'a'),
    finds: ['unused-claim'],
  },
];
