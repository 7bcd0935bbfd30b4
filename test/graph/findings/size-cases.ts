/** Trees and tokens that are too large, at the call that brings them about. */
import { HEAD, client } from '../../support/compile.ts';
import { graph } from './call-cases.ts';
import type { Case } from './case.ts';

const limits = (text: string, limit: string): string => text.replace("8080'", `8080', limits: { ${limit} }`);
const profile = (text: string, headers: string): string => text.replace('profile: envoy', headers);

/** A token of this graph's `a` has some hundred bytes; with its child, twice that. */
const PAIR = 'a: { scopes: { s: { calls: { b: [r] } } } }\nb: { scopes: { r: } }';
const LARGE = `claims: { note: { from: client, max_bytes: 9000 } }\n`;

export const sizeCases: readonly Case[] = [
  {
    title: 'more tokens than a request may bring',
    graph: limits(graph('{ ‸a: [s] }', PAIR), 'tokens: 1'),
    finds: ['too-many-tokens'],
    message: /web asking for s of a would get 2 tokens; `limits.tokens` is 1/,
    hint: /mode: exchange/,
  },
  {
    title: 'too many tokens of the default scopes',
    graph: `${limits(HEAD, 'tokens: 2')}${client('{ ‸‸a: [s, t, u] }', 'default_scopes: [s, t]').replace('‸‸', '‸')}services:
  a: { scopes: { s: { calls: { b: [r] } }, t: { calls: { c: [r] } }, u: } }
  b: { scopes: { r: } }
  c: { scopes: { r: } }
`,
    finds: ['too-many-tokens'],
    message: /default scopes s t of a would get 3/,
  },
  {
    title: 'too many tokens of all scopes of an entry',
    graph: limits(
      graph(
        '{ ‸a: [s, t] }',
        'a: { scopes: { s: { calls: { b: [r] } }, t: { calls: { c: [r] } } } }\nb: { scopes: { r: } }\nc: { scopes: { r: } }',
      ),
      'tokens: 2',
    ),
    finds: ['too-many-tokens-together'],
    message: /all its scopes of a together would get 3/,
  },
  {
    title: 'too many tokens of a fetched tree',
    graph: limits(
      graph(
        '{ a: [s] }',
        'a: { auth: { method: client_secret_basic, secret_env: S }, scopes: { s: { calls: { ‸b: { scopes: [r], mode: exchange } } } } }\nb: { scopes: { r: { calls: { c: [r] } } } }\nc: { scopes: { r: } }',
      ),
      'tokens: 1',
    ),
    finds: ['too-many-tokens'],
    message: /a fetching r of b for web would get 2/,
  },
  {
    title: 'too many tokens of a tree that is fetched for all scopes of an entry only',
    graph: limits(
      graph(
        '{ a: [s, t] }',
        `a:
  auth: { method: client_secret_basic, secret_env: S }
  scopes:
    s: { calls: { ‸b: { scopes: [r], mode: exchange } } }
    t: { calls: { b: { scopes: [q], mode: exchange } } }
b: { scopes: { r: { calls: { c: [r] } }, q: { calls: { d: [r] } } } }
c: { scopes: { r: } }
d: { scopes: { r: } }`,
      ),
      'tokens: 2',
    ),
    finds: ['too-many-tokens-together'],
    message: /a fetching r q of b for web would get 3/,
  },
  {
    title: 'a tree that is too deep, once and not for all scopes together again',
    graph: limits(graph('{ ‸a: [s, t] }', `${PAIR.replace('} } } }', '} }, t: } }')}`), 'depth: 1'),
    finds: ['too-deep'],
    message: /2 levels deep; `limits.depth` is 1/,
  },
  {
    title: 'a chain of 10,000 services',
    graph: graph('{ ‸s0: [s] }', chain(10_000, 's: ')),
    finds: ['too-deep'],
    message: /s0:s has 10000 levels; no tree has more than 64/,
    hint: /mode: exchange/,
  },
  {
    title: 'a cycle of 10,000 scopes',
    graph: graph('{ s0: [s] }', chain(10_000, 's: { calls: { s0: [s] } }').replace('s1: [s]', '‸s1: [s]')),
    finds: ['cycle'],
    message: /s1:s → s2:s → .* … 9980 more … → s1:s/,
  },
  {
    title: 'scopes that merge in more ways than can be held',
    graph: graph('{ c0_0: [start] }', counter(19)),
    finds: [],
    elsewhere: ['too-complex'],
    hint: /mode: exchange/,
  },
  {
    title: 'a line over its limit',
    graph: profile(graph('{ ‸a: [s] }', 'a: { scopes: { s: } }'), 'max_line: 300'),
    finds: ['budget-exceeded'],
    message: /web → a with s can have \d+ bytes; 276 fit \(own limits\)/,
  },
  {
    title: 'all headers over their limit, less what others take',
    graph: profile(graph('{ ‸a: [s] }', 'a: { scopes: { s: } }'), 'max_total: 2400, reserve: 2000'),
    finds: ['budget-exceeded'],
    message: /; 376 fit \(own limits\)/,
  },
  {
    title: 'what other headers take where nothing is said',
    graph: profile(graph('{ ‸a: [s] }', 'a: { scopes: { s: } }'), 'max_total: 2400'),
    finds: ['budget-exceeded'],
    message: /; 328 fit/,
  },
  {
    title: 'a gateway on the way of one call',
    graph: graph('{ a: { scopes: [s], via: [envoy, { max_line: 200 }] } }', 'a: { scopes: { s: } }').replace(
      '{ a: {',
      '{ ‸a: {',
    ),
    finds: ['budget-exceeded'],
    message: /; 176 fit \(own limits\)/,
  },
  {
    title: 'a gateway before a zone',
    graph: graph(
      '{ ‸a: [s] }',
      'a: { zone: dmz, scopes: { s: } }',
      'zones: { dmz: { via: [{ max_line: 200 }] } }\n',
    ),
    finds: ['budget-exceeded'],
    message: /; 176 fit/,
  },
  {
    title: 'a named profile, with the setting to raise',
    graph: profile(
      `${HEAD}${LARGE}${client('{ ‸a: [s] }', 'claims: { note: x }')}services:\n  a: { claims: [note], scopes: { s: } }\n`,
      'profile: nginx',
    ),
    finds: ['budget-exceeded'],
    message: /; 8,168 fit \(nginx\)/,
    hint: /large_client_header_buffers/,
  },
  {
    title: 'a root token over the limit of the issuer',
    graph: limits(graph('{ ‸a: [s] }', PAIR), 'nested: 400'),
    finds: ['budget-exceeded'],
    message: /; 400 fit \(issuer\.limits\.nested\)/,
  },
  {
    title: 'a root token over the limit of the issuer and of its hop',
    graph: limits(profile(graph('{ ‸‸a: [s] }', 'a: { scopes: { s: } }'), 'max_line: 300'), 'nested: 270'),
    finds: ['budget-exceeded', 'budget-exceeded'],
  },
  {
    title: 'a hop inside a tree',
    graph: graph(
      '{ a: [s] }',
      PAIR.replace('b: [r]', '‸b: [r]').replace('b: {', 'b: { headers: { max_line: 300 },'),
    ),
    finds: ['budget-exceeded'],
    message: /a → b can have \d+ bytes; 276 fit/,
  },
  {
    title: 'a tree that does not fit and whose calls nobody can leave to be fetched',
    graph: profile(graph('{ ‸a: [s] }', PAIR), 'max_line: 700').replace("8080'", "8080', overflow: exchange"),
    finds: ['budget-exceeded'],
    message: /web → a with s can have [\d,]+ bytes nested; 676 fit/,
    hint: /if their caller has `auth`\. These have none: a\.$/,
  },
  {
    title: 'a token that does not fit alone, whatever is left to be fetched',
    graph: profile(
      graph(
        '{ ‸a: [s] }',
        PAIR.replace('a: {', 'a: { auth: { method: client_secret_basic, secret_env: S },').replace(
          'b: [r]',
          '‸b: [r]',
        ),
      ),
      'max_line: 300',
    ).replace("8080'", "8080', overflow: exchange"),
    finds: ['budget-exceeded', 'budget-exceeded'],
    message: /can have [\d,]+ bytes( nested)?; 276 fit/,
  },
  {
    title: 'a hop of a fetched token',
    graph: graph(
      '{ a: [s] }',
      'a: { auth: { method: client_secret_basic, secret_env: S }, scopes: { s: { calls: { ‸b: { scopes: [r], mode: exchange } } } } }\nb: { headers: { max_line: 300 }, scopes: { r: } }',
    ),
    finds: ['budget-exceeded'],
    message: /a → b with r/,
  },
  {
    title: 'a hop of a forwarded token',
    graph: graph(
      '{ a: [s] }',
      'a: { scopes: { s: { calls: { ‸b: { scopes: [r], mode: forward } } } } }\nb: { accepts_forward: [a], caller: none, headers: { max_line: 300 }, scopes: { r: } }',
    ),
    finds: ['budget-exceeded'],
    message: /a → b can have \d+ bytes; 276 fit/,
  },
  {
    title: 'a token that fits for each scope and not for all',
    graph: graph(
      '{ ‸a: [s, t] }',
      'a: { headers: { max_line: 1100 }, scopes: { s: { calls: { b: [r] } }, t: { calls: { c: [r] } } } }\nb: { scopes: { r: } }\nc: { scopes: { r: } }',
    ),
    finds: ['budget-exceeded-together'],
    message: /web → a with s t can have [\d,]+ bytes nested; 1,076 fit \(own limits\)/,
  },
  {
    title: 'a tree that would fit packed',
    graph: graph(
      '{ ‸a: [s] }',
      'a: { headers: { max_line: 900 }, scopes: { s: { calls: { b: [r], c: [r] } } } }\nb: { scopes: { r: } }\nc: { scopes: { r: } }',
    ),
    finds: ['budget-exceeded'],
    message: /web → a with s can have [\d,]+ bytes nested; 876 fit/,
    hint: /^With `encoding: packed` it has at most \d{3} bytes\. Set `mode: exchange` on a rare call/,
  },
  {
    title: 'servers of which nothing is known, those of forwarded and fetched tokens too',
    graph: graph(
      '{ a: [s] }',
      `‸a:
  auth: { method: client_secret_basic, secret_env: S }
  scopes: { s: { calls: { b: [r] } } }
b: { headers: { profile: envoy }, auth: { method: client_secret_basic, secret_env: B }, scopes: { r: { calls: { c: { scopes: [q], mode: exchange } } } } }
c: { scopes: { q: { calls: { d: { scopes: [p], mode: forward } } } } }
d: { accepts_forward: [c], caller: none, scopes: { p: } }`,
    ).replace('headers: { profile: envoy }, ', ''),
    finds: ['no-budget'],
    message: /No header limit is known for: a, c, d\./,
  },
];

export function chain(length: number, last: string): string {
  const services = Array.from(
    { length: length - 1 },
    (_, at) => `s${at}: { scopes: { s: { calls: { s${at + 1}: [s] } } } }`,
  );
  return [...services, `s${length - 1}: { scopes: { ${last} } }`].join('\n');
}

/** Each level calls two services of the next with all that it was called with, and one scope more: 2^n sets of scopes. */
export function counter(levels: number): string {
  const services: string[] = [];
  for (let level = 0; level < levels; level++) {
    for (const bit of level === 0 ? [0] : [0, 1]) {
      const before = Array.from({ length: Math.max(0, level - 1) }, (_, at) => [`b${at}_0`, `b${at}_1`]);
      const own = ['start', ...before.flat(), ...(level === 0 ? [] : [`b${level - 1}_${bit}`])];
      const callees =
        level + 1 < levels
          ? [0, 1].map((next) => [`c${level + 1}_${next}`, `b${level}_${next}`] as const)
          : [];
      const whole = callees.map(([callee, scope]) => `${callee}: [${scope}]`).join(', ');
      const passed = (scope: string): string => callees.map(([callee]) => `${callee}: [${scope}]`).join(', ');
      const scopes = own.map((scope) => `${scope}: { calls: { ${passed(scope)} } }`).join(', ');
      services.push(`c${level}_${bit}: { calls: { ${whole} }, scopes: { ${scopes} } }`);
    }
  }
  return services.join('\n');
}
