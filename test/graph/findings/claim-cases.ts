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
