/** Modes, cycles, what no one reaches. */
import { HEAD, client } from '../../support/compile.ts';
import type { Case } from './case.ts';

const AUTH = 'auth: { method: client_secret_basic, secret_env: S }';

export const graph = (calls: string, services: string, more = ''): string =>
  `${HEAD}${client(calls)}services:\n${services.replaceAll(/^/gm, '  ')}\n${more}`;

export const callCases: readonly Case[] = [
  {
    title: 'modes that a client cannot have',
    graph: graph(
      '{ a: { scopes: [s], mode: ‸exchange }, b: { scopes: [s], mode: ‸forward } }',
      'a: { scopes: { s: } }\nb: { scopes: { s: } }',
    ),
    finds: ['client-call-mode', 'client-call-mode'],
    message: /web is a client/,
  },
  {
    title: 'a call whose last day has passed, as if it were not written',
    graph: graph(
      '{ a: [s] }',
      'a: { scopes: { s: { calls: { b: { scopes: [read], until: ‸2020-02-29 } } } } }\n‸b: { scopes: { read: } }',
    ),
    finds: ['call-ended', 'unreachable-service'],
    message: /its last day was 2020-02-29/,
  },
  {
    title: 'scopes of one service that call another in two ways',
    graph: graph(
      '{ a: [s, t] }',
      `a:
  ${AUTH}
  scopes:
    s: { calls: { b: [read] } }
    t: { calls: { b: { scopes: [read], mode: ‸exchange } } }
b: { scopes: { read: } }`,
    ),
    finds: ['conflicting-calls'],
    message: /`mode: exchange` here and `mode: embed` for s \(line 14\)/,
  },
  {
    title: 'a scope that calls in another way than its whole service',
    graph: graph(
      '{ a: [s] }',
      `a:
  calls: { b: { scopes: [read], mode: none } }
  scopes: { s: { calls: { ‸b: [read] } } }
b: { scopes: { read: } }`,
    ),
    finds: ['conflicting-calls'],
    message: /`mode: none` for every scope/,
  },
  {
    title: 'calls of which one is sealed',
    graph: graph(
      '{ a: [s, t] }',
      `a: { scopes: { s: { calls: { b: { scopes: [read], seal: true } } }, t: { calls: { ‸b: [read] } } } }
b: { encryption: { jwks_file: b }, scopes: { read: } }`,
    ),
    finds: ['conflicting-calls'],
    message: /`seal: false` here and `seal: true` for s/,
  },
  {
    title: 'conflicting calls that would be a cycle if they were followed',
    graph: graph(
      '{ a: [s, t] }',
      `a: { scopes: { s: { calls: { b: [x] } }, t: { calls: { b: { scopes: [y], mode: ‸none } } } } }
b: { scopes: { x: , y: { calls: { a: [s, t] } } } }`,
    ),
    finds: ['conflicting-calls'],
  },
  {
    title: 'an exchange whose caller cannot authenticate',
    graph: graph(
      '{ a: [s] }',
      'a: { scopes: { s: { calls: { b: { scopes: [read], mode: ‸exchange } } } } }\nb: { scopes: { read: } }',
    ),
    finds: ['exchange-without-auth'],
    hint: /Give a an `auth`/,
  },
  {
    title: 'a cycle of three scopes, with its path',
    graph: graph(
      '{ a: [s] }',
      'a: { scopes: { s: { calls: { b: [t] } } } }\nb: { scopes: { t: { calls: { c: [u] } } } }\nc: { scopes: { u: { calls: { ‸a: [s] } } } }',
    ),
    finds: ['cycle'],
    message: /a:s → b:t → c:u → a:s/,
    hint: /`mode: exchange`.*from c:u to a:s/,
  },
  {
    title: 'a scope that calls itself',
    graph: graph('{ a: [s] }', 'a: { scopes: { s: { calls: { ‸a: [s] } } } }'),
    finds: ['cycle'],
    message: /a:s → a:s/,
  },
  {
    title: 'a cycle through a call of a whole service',
    graph: graph(
      '{ a: [s] }',
      'a: { scopes: { s: { calls: { b: [t] } } } }\nb: { calls: { ‸a: [s] }, scopes: { t: } }',
    ),
    finds: ['cycle'],
    message: /a:s → b:t → a:s/,
  },
  {
    title: 'two circles, and not what lies between and behind them',
    graph: graph(
      '{ a: [s] }',
      `a: { scopes: { s: { calls: { b: [s] } } } }
b: { scopes: { s: { calls: { ‸a: [s], between: [s] } } } }
between: { scopes: { s: { calls: { c: [s] } } } }
c: { scopes: { s: { calls: { d: [s] } } } }
d: { scopes: { s: { calls: { ‸c: [s], behind: [s] } } } }
behind: { scopes: { s: } }`,
    ),
    finds: ['cycle', 'cycle'],
  },
  {
    title: 'a scope that no one calls',
    graph: graph('{ a: [s] }', 'a: { scopes: { s: , ‸t: } }'),
    finds: ['unused-scope'],
  },
  {
    title: 'a service that no client reaches, and first what only that leads to',
    graph: graph(
      '{ a: [s] }',
      'a: { scopes: { s: , ‸v: } }\n‸c: { scopes: { u: } }\n‸b: { scopes: { t: { calls: { a: [s, v], c: [u] } } } }',
    ),
    finds: ['unreachable-service', 'unreachable-service', 'unreachable-service'],
    message: /^No client reaches b, and therefore none reaches a:v and c\.$/,
    hint: /leads to b,/,
  },
  {
    title: 'a service of which only a scope that no one calls makes the call',
    graph: graph('{ a: [s] }', 'a: { scopes: { s: , ‸t: { calls: { b: [u] } } } }\n‸b: { scopes: { u: } }'),
    finds: ['unused-scope', 'unused-scope'],
    message: /^No one calls a:t, and therefore no client reaches b\.$/,
  },
  {
    title: 'several scopes of one service that no one calls',
    graph: graph('{ a: [s] }', 'a: { scopes: { s: , ‸t: , ‸u: } }'),
    finds: ['unused-scope', 'unused-scope'],
    message: /^No one calls a:t and a:u\.$/,
    hint: /^Name them in the call that needs them, or take them out\.$/,
  },
  {
    title: 'scopes that only call each other',
    graph: graph(
      '{ a: [s], b: [s] }',
      `a: { scopes: { s: , ‸t: { calls: { b: [u] } } } }
b: { auth: { method: client_secret_basic, secret_env: B }, scopes: { s: , ‸u: { calls: { a: { scopes: [t], mode: exchange } } } } }`,
    ),
    finds: ['unused-scope', 'unused-scope'],
    message: /^No client reaches a:t, and therefore none reaches b:u\.$/,
  },
  {
    title: 'services where no client calls anything, as one finding',
    graph: graph(
      '{}',
      '‸b: { scopes: { s: { calls: { c: [s] } } } }\n‸a: { scopes: { s: } }\n‸c: { scopes: { s: } }',
    ),
    finds: ['unreachable-service', 'unreachable-service', 'unreachable-service'],
    message: /^No client reaches b and a, and therefore none reaches c\.$/,
  },
  {
    title: 'a service without anything',
    graph: graph('{ a: [s] }', 'a: { scopes: { s: } }\n‸b:'),
    finds: ['unreachable-service'],
  },
  {
    title: 'a zone without services',
    graph: graph('{ a: [s] }', 'a: { zone: in, scopes: { s: } }', 'zones: { in: , ‸out: }\n'),
    finds: ['unused-zone'],
  },
  {
    title: 'default scopes of several services',
    graph: `${HEAD}${client('{ a: [s], b: [t] }', 'default_scopes: [s, t]').replace('  web', '  ‸web')}services:
  a: { scopes: { s: } }
  b: { scopes: { t: } }
`,
    finds: ['ambiguous-default'],
    message: /a and b/,
  },
  {
    title: 'a default scope that two services have',
    graph: `${HEAD}${client('{ a: [s], b: [s] }', 'default_scopes: [s]').replace('  web', '  ‸web')}services:
  a: { scopes: { s: } }
  b: { scopes: { s: } }
`,
    finds: ['ambiguous-default'],
  },
];
